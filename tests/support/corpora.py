"""Corpora as a run gets them: read, and checked."""

from collections.abc import Iterable

from fedasr.corpora.checking.corpus import check_corpus
from fedasr.corpora.faults import Entry
from fedasr.corpora.utterance import Utterance


def whole(entries: Iterable[Entry]) -> tuple[Utterance, ...]:
    """Return the utterances of what a reader read, all of which must be good."""
    return check_corpus(entries).utterances
