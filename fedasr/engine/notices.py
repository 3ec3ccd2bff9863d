"""What is said once of prepared speech before a run trains: what cannot be written, and what cannot be learnt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fedasr.asr.features import frames_to_seconds
from fedasr.asr.tokens import Tokens, unwritten_in
from fedasr.corpora.speech import Speech
from fedasr.corpora.text import is_unspaced
from fedasr.engine.alignable import unalignable, untrained
from fedasr.engine.preparation import Prepared
from fedasr.engine.small_silos import smaller_batches

_NAMED = 8
_PIECES = {
    "words": ', or model.tokens = "pieces", which writes any word of known characters',
    "characters": ', or model.tokens = "pieces", where unknown characters side by side are one token',
    "pieces": "",
    "phones": "",
}


def notices(prepared: Prepared) -> list[str]:
    """Return a line for each thing that changes what a run's numbers mean; usually none."""
    held_out = {name: prepared.part(name) for name in ("development", "test")}
    held_out |= {"held out": prepared.held_out}
    silos = prepared.in_silos
    lines = [
        unknown_in_silos(silos.texts(), prepared.tokens),
        *(unwritten_references(part.texts(), prepared.tokens, f"{name}: ") for name, part in held_out.items()),
        smaller_batches(prepared),
        unspaced_references(held_out["test"].texts(), "test: "),
        longer_than_audio({"silos": silos, "public": prepared.part("public_labelled"), **held_out}, prepared),
    ]
    return [line for line in lines if line]


def unknown_in_silos(texts: Iterable[str], tokens: Tokens) -> str:
    """Return what silos' transcripts hold that public text lacks, and the way out; nothing where it lacks nothing."""
    found = unwritten_in(texts, tokens)
    if not found:
        return ""
    return (
        f"silos: {found.texts} of {found.of} transcripts hold {found.unit} that public text lacks, "
        f"{sum(found.counts.values())} in all: {found.names}; they are learnt as unknown and never written. "
        f"The way out is public text that holds them (corpus.public_speakers){_PIECES[tokens.kind]}"
    )


def unwritten_references(texts: Iterable[str], tokens: Tokens, lead: str = "") -> str:
    """Return how many references cannot be written as they are, and for what; nothing where all can.

    Parameters
    ----------
    texts : iterable of str
        The references.
    tokens : Tokens
        Of the model that is scored.
    lead : str
        What the line begins with.
    """
    found = unwritten_in(texts, tokens)
    if not found:
        return ""
    return (
        f"{lead}{found.texts} of {found.of} references hold {found.unit} that the model cannot write, "
        f"{sum(found.counts.values())} in all, each an error whatever it hears: {found.names}"
    )


def unspaced_references(texts: Iterable[str], lead: str = "") -> str:
    """Return how many references do not divide their words, so that WER is no measure of them; nothing where all do."""
    found = [is_unspaced(text) for text in texts]
    if not any(found):
        return ""
    return (
        f"{lead}{sum(found)} of {len(found)} references have no spaces between words; WER counts what stands between "
        "spaces as one word, so compare by CER, or write spaces between words"
    )


def longer_than_audio(parts: Mapping[str, Speech], prepared: Prepared) -> str:
    """Return how many transcripts of which parts are too long for their audio; nothing where none is."""
    recogniser = untrained(prepared.recogniser_spec, prepared.tokens)
    frame_ms = 1000 * frames_to_seconds(prepared.recogniser_spec.frames_stacked)
    found = {name: unalignable(speech, recogniser) for name, speech in parts.items()}
    if not any(found.values()):
        return ""
    counts = ", ".join(f"{len(far)} of {len(parts[name])} of {name}" for name, far in found.items() if far)
    first = next(far[0] for far in found.values() if far)
    lost = _silos_of_nothing_else({far.id for far in found["silos"]}, prepared)
    return (
        f"text longer than audio: {counts} cannot be learnt, the first '{first.id}' ({first.tokens} tokens in "
        f"{first.frames} frames of {frame_ms:g} ms){lost}; losses are over the others. Mend text or audio"
    )


def _silos_of_nothing_else(names: set[str], prepared: Prepared) -> str:
    lost = [str(n) for n, silo in enumerate(prepared.partition.silos) if silo and all(name in names for name in silo)]
    more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    return f"; these silos hold nothing else and learn nothing: {', '.join(lost[:_NAMED])}{more}" if lost else ""
