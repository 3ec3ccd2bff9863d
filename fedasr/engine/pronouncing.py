"""How words are said: the phones of an experiment's public text, and of what its decoder may hear beside."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fedasr.asr.heads.head import HEADS
from fedasr.asr.tokens import PhoneTokens, learn_phones
from fedasr.asr.tokens.phones import Pronunciation
from fedasr.common.errors import UserError
from fedasr.common.files import text_lines
from fedasr.corpora.synthetic.phones import pronounced, pronunciations_in
from fedasr.corpora.synthetic.render import recipe_of
from fedasr.corpora.text import plain_text
from fedasr.corpora.utterance import Utterance
from fedasr.experiment.experiment import Experiment

Said = tuple[str, Pronunciation]
_COMMENT = ";;;"
SYNTHESISER = "espeak"
"""The name of the alignments that the synthesiser reports."""


def learnt_phones(experiment: Experiment, utterances: Sequence[Utterance]) -> PhoneTokens:
    """Return the phones of public utterances and the pronunciations of their words.

    By the dictionary of ``decoding.pronunciations`` where there is one; else as espeak-ng said the words of synthetic
    speech, each in its context and accent, and as it says those of other speech one by one.

    Raises
    ------
    UserError
        Where the dictionary cannot be read or lacks a word, or there is no espeak-ng.
    """
    aligned_by = alignment_name(experiment) if HEADS.find(experiment.model.head).is_aligned else ""
    if experiment.decoding.pronunciations and aligned_by == SYNTHESISER:
        why = "frames are labelled with the phones that espeak-ng reports, which a dictionary calls otherwise"
        raise UserError(f"decoding.pronunciations: {why}; leave it out, or set model.alignments")
    if experiment.decoding.pronunciations:
        words = {word for utterance in utterances for word in utterance.text.split()}
        return learn_phones(_looked_up(read_dictionary(experiment), words), aligned_by)
    return learn_phones(_said(utterances), aligned_by)


def alignment_name(experiment: Experiment) -> str:
    """Return what the alignments of an experiment are called: by what decides on them.

    Raises
    ------
    UserError
        Where the model that aligns, or the dictionary, cannot be read.
    """
    if not experiment.model.alignments:
        return SYNTHESISER
    total = hashlib.sha256()
    for key, file in (("model", experiment.model.alignments), ("decoding", experiment.decoding.pronunciations)):
        try:
            total.update(Path(file).read_bytes() if file else b"")
        except OSError as error:
            raise UserError(f"{key}: {file}: not readable ({error.strerror})") from error
    return f"forced-{total.hexdigest()[:16]}"


def more_pronunciations(experiment: Experiment, words: Iterable[str], tokens: PhoneTokens) -> list[Said]:
    """Return how words are said that the tokens do not know; those said with a phone that they lack are left out."""
    missing = sorted({word for word in words if not tokens.can_write(word)})
    if not missing:
        return []
    if experiment.decoding.pronunciations:
        found = [entry for entry in read_dictionary(experiment) if entry[0] in missing]
    else:
        found = list(pronounced(missing).items())
    return [(word, phones) for word, phones in found if set(phones) <= set(tokens.phones)]


def read_dictionary(experiment: Experiment) -> list[Said]:
    """Return the words and phones of a dictionary in the format of CMUdict: ``WORD  P1 P2 …``, variants ``WORD(2)``.

    Stress (the digit behind a vowel) is left out, as are lines that begin with ``;;;``.

    Raises
    ------
    UserError
        Where it cannot be read.
    """
    path = Path(experiment.decoding.pronunciations)
    found = []
    for number, line in enumerate(text_lines(path, "decoding.pronunciations"), start=1):
        if not line.strip() or line.startswith(_COMMENT):
            continue
        word, *phones = line.split()
        if not phones:
            raise UserError(f"decoding.pronunciations: {path}:{number}: '{word}' has no phones; write WORD  P1 P2 …")
        found.append((plain_text(word.partition("(")[0]), tuple(phone.rstrip("0123456789") for phone in phones)))
    return found


def _looked_up(dictionary: Sequence[Said], words: set[str]) -> list[Said]:
    found = [entry for entry in dictionary if entry[0] in words]
    if missing := sorted(words - {word for word, _ in found}):
        lacks = f"lacks {len(missing)} words of the public text, the first '{missing[0]}'"
        raise UserError(f"decoding.pronunciations: it {lacks}; add them")
    return found


def _said(utterances: Sequence[Utterance]) -> Iterator[Said]:
    """Yield each word as it is said, and once more by itself where it is said in no context alone."""
    known: set[str] = set()
    for utterance in utterances:
        recipe = recipe_of(utterance.audio)
        for entry in pronunciations_in(recipe.text, recipe.voice) if recipe else ():
            known.add(entry[0])
            yield entry
    words = {word for utterance in utterances for word in utterance.text.split()}
    yield from pronounced(sorted(words - known)).items()
