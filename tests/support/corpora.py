"""Corpora as a run gets them: read, and checked."""

from collections.abc import Iterable
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.checking.corpus import check_corpus
from fedasr.corpora.faults import Entry
from fedasr.corpora.load import load_corpus
from fedasr.corpora.utterance import Utterance


def whole(entries: Iterable[Entry]) -> tuple[Utterance, ...]:
    """Return the utterances of what a reader read, all of which must be good."""
    return check_corpus(entries).utterances


def read_or_refused(kind: str, path: Path) -> tuple[tuple[Utterance, ...], tuple[str, ...]]:
    """Return the utterances of a corpus and no line, or none and the lines of its refusal."""
    try:
        return load_corpus(kind, path), ()
    except UserError as error:
        return (), error.lines
