"""Lhotse's manifests: cut sets, or recordings and supervisions, as its recipes and its import from Kaldi write them.

Lhotse (Żelasko et al. 2021, arXiv 2110.12561) reads the lines; it opens no audio, and nothing that a manifest names
is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fedasr.corpora.faults import Fault
from fedasr.corpora.toolkits.extras import library
from fedasr.corpora.toolkits.lhotse_files import manifests, objects
from fedasr.corpora.toolkits.lhotse_utterance import MEND, SupervisedPart
from fedasr.corpora.utterance import Utterance


def read_lhotse(path: Path, subset: str | None = None) -> Iterator[Utterance | Fault]:
    """Yield an utterance for each supervision, in the order of the manifest.

    Parameters
    ----------
    path : Path
        A cut set (``.jsonl``, ``.jsonl.gz``), or the folder of manifests.
    subset : str, optional
        Which of the folder's manifests, such as ``"dev-clean"``.

    Raises
    ------
    UserError
        If there are no such manifests, or lhotse is not installed.
    """
    found = manifests(path, subset)
    read = library("lhotse", "lhotse.serialization").deserialize_item
    if found.cuts is not None:
        yield from _of_cuts(found.cuts, read)
    elif found.recordings is not None and found.supervisions is not None:
        yield from _of_supervisions(found.recordings, found.supervisions, read)


def _of_cuts(file: Path, read: Any) -> Iterator[Utterance | Fault]:
    for where, item in _items(file, read, ("MonoCut", "MultiCut")):
        if isinstance(item, Fault):
            yield item
        elif item.recording is None or not item.supervisions:
            lacking = "recording" if item.recording is None else "supervision"
            yield Fault(where, f"cut '{item.id}' has no {lacking}; remove the cut", f"without {lacking}")
        else:
            for said in item.supervisions:
                yield SupervisedPart(item.recording, said, item, where, file.parent).utterance()


def _of_supervisions(recordings: Path, supervisions: Path, read: Any) -> Iterator[Utterance | Fault]:
    known: dict[str, Any] = {}
    for where, item in _items(recordings, read, ("Recording",)):
        if isinstance(item, Fault):
            yield item
        elif known.setdefault(str(item.id), item) is not item:
            yield Fault(where, f"a second recording '{item.id}'; remove one", "duplicates")
    for where, item in _items(supervisions, read, ("SupervisionSegment",)):
        if isinstance(item, Fault):
            yield item
        elif (recording := known.get(str(item.recording_id))) is None:
            yield Fault(where, f"{recordings.name} has no recording '{item.recording_id}'; add it", "without recording")
        else:
            yield SupervisedPart(recording, item, None, where, recordings.parent).utterance()


def _items(file: Path, read: Any, kinds: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield ``file:line`` and the object of lhotse's of each line, or a fault."""
    for where, value in objects(file):
        yield where, value if isinstance(value, Fault) else _item(where, value, read, kinds)


def _item(where: str, value: dict[str, Any], read: Any, kinds: Sequence[str]) -> Any:
    kind, name = value.get("type"), value.get("id")
    try:
        found = read(value)
    except Exception as error:  # whatever a class of lhotse's says of values that it cannot hold
        names = ", ".join(re.findall(r"'\w+'", str(error))[:3])
        told = f"lhotse cannot read this line ({names})" if names else "lhotse cannot read this line"
        return Fault(where, f"{told}; write it again by lhotse", "not lhotse's")
    if type(found).__name__ in kinds:
        return found
    if kind in ("MixedCut", "PaddingCut"):
        return Fault(where, f"cut '{name}' is mixed or padded when it is read; {MEND}", "mixed")
    told = f"a {type(found).__name__}, not a {' or '.join(kinds)}"
    return Fault(where, f"{told}; corpus.path must be a cut set or a folder", "not lhotse's")
