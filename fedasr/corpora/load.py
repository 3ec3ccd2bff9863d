"""Loading a corpus: the reader of a kind turns a path into utterances.

Readers are the entry-point group ``fedasr.readers``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

from fedasr.common.errors import UserError, told_of
from fedasr.common.registry import Registry
from fedasr.corpora.utterance import Utterance

Reader = Callable[..., Sequence[Utterance]]
"""``read(path)``, or ``read(path, subset)`` where the corpus has parts of its own; the subset may be None."""

READERS: Registry[Reader] = Registry("reader of a corpus", "fedasr.readers")


def load_corpus(kind: str, path: Path | None, *, subset: str | None = None) -> tuple[Utterance, ...]:
    """Return the utterances of a corpus on disk.

    Parameters
    ----------
    kind : str
        A name of `READERS`, or ``module:function``.
    path : Path
        Where it is.
    subset : str, optional
        A part of the corpus, by the name that the corpus itself gives it (for VCTK, a microphone).
    """
    with told_of("corpus.kind"):
        read = READERS.find(kind)
    if path is None:
        raise UserError(f"corpus.path: a corpus of kind '{kind}' needs a path; say where it is (--data PATH)")
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; corpus.path (--data) must say where the corpus is")
    if "subset" in inspect.signature(read).parameters:
        return check(tuple(read(path, subset)), str(path))
    if subset is not None:
        raise UserError(f"corpus.subset: a corpus of kind '{kind}' has no subsets; remove the key")
    return check(tuple(read(path)), str(path))


def check(utterances: Sequence[Utterance], name: str = "corpus") -> tuple[Utterance, ...]:
    """Return the utterances if there are any, their ids are distinct and no transcript is empty.

    Parameters
    ----------
    utterances : sequence of Utterance
    name : str
        What messages call the corpus.
    """
    if not utterances:
        raise UserError(f"{name}: an empty corpus; it needs at least one utterance")
    seen: set[str] = set()
    for utterance in utterances:
        if utterance.id in seen:
            raise UserError(f"{name}: duplicate id '{utterance.id}'; every utterance needs an id of its own")
        if not utterance.text.strip():
            raise UserError(f"{name}: empty text of '{utterance.id}'; write it or remove the utterance")
        seen.add(utterance.id)
    return tuple(utterances)
