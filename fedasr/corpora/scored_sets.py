"""A corpus' own test and development sets: speech to score on that somebody else has set apart."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.checking.corpus import LoadedCorpus
from fedasr.corpora.checking.headers import Progress
from fedasr.corpora.checking.repeats import piece_of
from fedasr.corpora.load import is_manifest_or_table, kind_of, read_corpus, takes
from fedasr.corpora.spec import SYNTHETIC, CorpusSpec
from fedasr.corpora.utterance import Utterance

SETS = ("test", "development")
"""Keys of `CorpusSpec` that may name such a set, and parts of the partition."""
_NAMED = 5


def is_subset(spec: CorpusSpec, name: str) -> bool:
    """Return whether a set's name is that of a subset: a plain name, where the corpus' kind has subsets."""
    return is_subset_of(spec.kind, name)


def is_subset_of(kind: str, name: str) -> bool:
    """Return whether a set's name is that of a subset of a kind of corpus."""
    return kind != SYNTHETIC and os.sep not in name and name not in (".", "..") and takes(kind, "subset")


def read_set(spec: CorpusSpec, key: str, progress: Progress | None = None) -> LoadedCorpus:
    """Return the speech of a set, its ids led by the set's name.

    Parameters
    ----------
    spec : CorpusSpec
    key : str
        One of `SETS`, which the specification has.
    progress : callable, optional
        Told how many audio files were opened, and of how many.

    Raises
    ------
    UserError
        Where there is no such set, or something of it cannot be used and may not be left out.
    """
    name: str = getattr(spec, key)
    if is_subset(spec, name):
        kind, path, subset = spec.kind, Path(spec.path) if spec.path else None, name
    else:
        path, subset = Path(name), None
        kind = kind_of(path) if spec.kind == SYNTHETIC or is_manifest_or_table(path) else spec.kind
    columns = spec.columns.chosen if takes(kind, "columns") else None
    try:
        read = read_corpus(
            kind, path, subset=subset, columns=columns, faulty=spec.faulty, text=spec.text, progress=progress
        )
    except UserError as error:
        raise UserError(*(_of_key(line, key, is_subset=subset is not None) for line in error.lines)) from error
    return replace(read, utterances=tuple(replace(u, id=f"{key}/{u.id}") for u in read.utterances))


def _of_key(line: str, key: str, is_subset: bool) -> str:
    """Return a line of what a reader refused, told of the key that asked for it."""
    line = line.replace("corpus.path (--data) must say where the corpus is", f"corpus.{key} must name a set")
    return line.replace("corpus.subset", f"corpus.{key}") if is_subset else line


def check_apart(speech: Mapping[str, Sequence[Utterance]], given: Mapping[str, Sequence[Utterance]]) -> None:
    """Refuse sets whose speakers, or whose audio, are elsewhere in the experiment, too.

    Parameters
    ----------
    speech : mapping
        What rows may learn from, by what it is called; another corpus that is public by its own names of speakers.
    given : mapping
        The sets, by their keys.

    Raises
    ------
    UserError
        A line for each set that meets another, with the names of speakers.
    """
    others, wrong = dict(speech), list[str]()
    for key, found in given.items():
        meetings = (_meeting(key, found, name, other) for name, other in others.items())
        wrong += filter(None, [next(filter(None, meetings), "")])
        others[f"corpus.{key}"] = found
    if wrong:
        raise UserError(*wrong)


def _meeting(key: str, found: Sequence[Utterance], name: str, other: Sequence[Utterance]) -> str:
    mend = "leave them out of one, or read a corpus.subset without them: nobody is scored on whom a model heard"
    if both := sorted({u.speaker for u in found} & {u.speaker for u in other}):
        more = f" and {len(both) - _NAMED} more" if len(both) > _NAMED else ""
        return f"corpus.{key}: its speakers {', '.join(both[:_NAMED])}{more} are in {name}, too; {mend}"
    heard = {piece_of(u.audio) for u in other if isinstance(u.audio, AudioFile)}
    shared = sum(isinstance(u.audio, AudioFile) and piece_of(u.audio) in heard for u in found)
    return f"corpus.{key}: {shared} of its {len(found)} utterances are audio of {name}, too; {mend}" if shared else ""
