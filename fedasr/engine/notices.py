"""What is said once of prepared speech before a run trains: what the tokens cannot write."""

from __future__ import annotations

from collections.abc import Iterable

from fedasr.asr.tokens import Tokens, unwritten_in
from fedasr.corpora.speech import Speech
from fedasr.engine.preparation import Prepared


def notices(prepared: Prepared) -> list[str]:
    """Return a line for each thing that changes what a run's numbers mean; usually none."""
    held_out = {name: prepared.part(name) for name in ("development", "test")}
    lines = [
        unknown_in_silos(texts_of(_silos_speech(prepared)), prepared.tokens),
        *(unwritten_references(texts_of(part), prepared.tokens, f"{name}: ") for name, part in held_out.items()),
    ]
    return [line for line in lines if line]


def texts_of(speech: Speech) -> list[str]:
    """Return all transcripts of some speech."""
    return [speech.text(index) for index in range(len(speech))]


def unknown_in_silos(texts: Iterable[str], tokens: Tokens) -> str:
    """Return what silos' transcripts hold that public text lacks, and the way out; nothing where it lacks nothing."""
    found = unwritten_in(texts, tokens)
    if not found:
        return ""
    pieces = "" if tokens.kind == "pieces" else ', or model.tokens = "pieces", which knows parts of words'
    return (
        f"silos: {found.texts} of {found.of} transcripts hold {found.unit} that public text lacks, "
        f"{sum(found.counts.values())} in all: {found.names}; they are learnt as unknown and never written. "
        f"The way out is public text that holds them (corpus.public_speakers){pieces}"
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


def _silos_speech(prepared: Prepared) -> Speech:
    held = {name for silo in prepared.partition.silos for name in silo}
    return prepared.speech.where(lambda utterance: utterance.id in held)
