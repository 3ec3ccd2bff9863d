"""Lhotse's manifests: cut sets, or recordings and supervisions, as its recipes and its import from Kaldi write them.

Lhotse (Żelasko et al. 2021, arXiv 2110.12561) reads the lines; it opens no audio, and nothing that a manifest names
is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.corpora.faults import EntryError, Fault
from fedasr.corpora.readers.records import normal_text
from fedasr.corpora.toolkits.extras import library
from fedasr.corpora.toolkits.lhotse_files import manifests, objects
from fedasr.corpora.toolkits.places import found_from, part_of, sex_of
from fedasr.corpora.utterance import Utterance

_MEND = "write it to files first: cuts.save_audios(FOLDER)"


@dataclass(frozen=True)
class _Place:
    """Where an entry stands: ``file:line``, and the folder that its paths are sought from."""

    where: str
    folder: Path


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
            yield Fault(where, f"cut '{item.id}' has no {lacking}; remove the cut", f"no {lacking}")
        else:
            for said in item.supervisions:
                channels = said.channel if type(item).__name__ == "MultiCut" else item.channel
                yield _utterance(item.recording, said, item.start + said.start, channels, _Place(where, file.parent))


def _of_supervisions(recordings: Path, supervisions: Path, read: Any) -> Iterator[Utterance | Fault]:
    known: dict[str, Any] = {}
    for where, item in _items(recordings, read, ("Recording",)):
        if isinstance(item, Fault):
            yield item
        elif item.id in known:
            yield Fault(where, f"a second recording '{item.id}'; remove one", "duplicate")
        else:
            known[item.id] = item
    for where, item in _items(supervisions, read, ("SupervisionSegment",)):
        if isinstance(item, Fault):
            yield item
        elif item.recording_id not in known:
            yield Fault(where, f"{recordings.name} has no recording '{item.recording_id}'; add it", "no recording")
        else:
            place = _Place(where, recordings.parent)
            yield _utterance(known[item.recording_id], item, item.start, item.channel, place)


def _items(file: Path, read: Any, kinds: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield ``file:line`` and the object of lhotse's of each line, or a fault."""
    for where, value in objects(file):
        yield where, value if isinstance(value, Fault) else _item(where, value, read, kinds)


def _item(where: str, value: dict[str, Any], read: Any, kinds: Sequence[str]) -> Any:
    kind, name = value.get("type"), value.get("id")
    try:
        found = read(value)
    except Exception as error:  # whatever a class of lhotse's says of values that it cannot hold
        return Fault(where, f"lhotse cannot read this line ({type(error).__name__}: {error}); mend it", "not lhotse's")
    if type(found).__name__ in kinds:
        return found
    if kind in ("MixedCut", "PaddingCut"):
        return Fault(where, f"cut '{name}' is mixed or padded when it is read; {_MEND}", "mixed")
    return Fault(
        where,
        f"a {type(found).__name__}, not a {' or '.join(kinds)}; corpus.path must be a cut set or a folder",
        "not lhotse's",
    )


def _utterance(recording: Any, said: Any, start_seconds: float, channels: Any, place: _Place) -> Utterance | Fault:
    try:
        path, channel = _source(recording, [channels] if isinstance(channels, int) else list(channels))
        audio = part_of(
            found_from(place.folder, path), round(start_seconds, 8), said.duration, recording.duration, channel
        )  # fmt: skip
        speaker, text = _told(said, "speaker"), normal_text(_told(said, "text"))
    except EntryError as error:
        return error.at(place.where)
    return Utterance(said.id, speaker, text, said.duration, audio, _fields(said), where=place.where)


def _source(recording: Any, channels: list[int]) -> tuple[str, int | None]:
    """Return the file that holds some channels, and which of its channels, or None for all of them."""
    if recording.transforms:
        raise EntryError(f"recording '{recording.id}' is changed when it is read (transforms); {_MEND}", "transforms")
    sources = [source for source in recording.sources if set(source.channels) & set(channels)]
    if len(sources) != 1 or len(channels) not in (1, len(sources[0].channels)):
        raise EntryError(f"channels {channels} of recording '{recording.id}' are in no one file; {_MEND}", "channels")
    source = sources[0]
    if source.type != "file":
        raise EntryError(f"recording '{recording.id}' is no file but a {source.type}; {_MEND}", "no file")
    is_all = set(channels) == set(source.channels)
    return str(source.source), None if is_all else list(source.channels).index(channels[0])


def _told(said: Any, name: str) -> str:
    value = getattr(said, name)
    if value is None:
        raise EntryError(f"supervision '{said.id}' has no {name}; add it", f"no {name}")
    return str(value)


def _fields(said: Any) -> dict[str, str]:
    """Return what else is said of the utterance: sex, language, and values of its own that are not structured."""
    own = {name: value for name, value in (said.custom or {}).items() if isinstance(value, str | int | float)}
    told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in own.items()}
    return told | ({"language": said.language} if said.language else {}) | sex_of(said.gender)
