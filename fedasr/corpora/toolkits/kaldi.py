"""Kaldi's data folders: ``wav.scp``, ``text``, ``utt2spk``, and ``segments``, ``reco2dur``, ``spk2gender`` if there.

The format: https://kaldi-asr.org/doc/data_prep.html.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedasr.common.errors import UserError, nearest
from fedasr.corpora.faults import EntryError, Fault
from fedasr.corpora.readers.records import normal_text
from fedasr.corpora.toolkits.kaldi_files import KaldiLine, Rows, lines, rows
from fedasr.corpora.toolkits.places import found_from, part_of, sex_of
from fedasr.corpora.utterance import Utterance

_OFFSET = re.compile(r"(:\d+|\])$")


@dataclass(frozen=True)
class _Folder:
    """What the files of a data folder say."""

    path: Path
    recordings: Rows
    texts: Rows
    speakers: Rows
    durations: Rows
    genders: Rows  # by utterance or speaker


@dataclass(frozen=True)
class _Span:
    """The part of a recording that an utterance is."""

    recording: str
    start_seconds: float = 0.0
    end_seconds: float = math.nan
    channel: int | None = None


def read_kaldi(path: Path, subset: str | None = None) -> Iterator[Utterance | Fault]:
    """Yield the utterances of a data folder, in the order of ``segments``, or of ``wav.scp`` where there is none.

    No command is run: an entry of ``wav.scp`` that is a pipe is a fault, and so is a place in an archive.

    Parameters
    ----------
    path : Path
        The data folder, or the folder that holds several.
    subset : str, optional
        Which of several, such as ``"train"``.

    Raises
    ------
    UserError
        If this is no data folder, or one of its files cannot be read.
    """
    folder = _folder(path, subset)
    data = _Folder(
        folder, rows(folder / "wav.scp"), rows(folder / "text"), rows(folder / "utt2spk"),
        _optional(folder / "reco2dur"), _optional(folder / "spk2gender") | _optional(folder / "utt2gender"),
    )  # fmt: skip
    segments = folder / "segments"
    is_cut = segments.is_file()
    heard = set[str]()
    for line in lines(segments if is_cut else folder / "wav.scp"):
        heard.add(line.key)
        try:
            yield line.fault or _utterance(data, line, _span(line.rest) if is_cut else _Span(line.key))
        except EntryError as error:
            yield error.at(line.where)
    for name in (name for name in data.texts if name not in heard):
        yield Fault(str(folder / "text"), f"'{name}' has no audio; remove its line", "without audio")


def _folder(path: Path, subset: str | None) -> Path:
    folder = path / (subset or "")
    if (folder / "wav.scp").is_file():
        return folder
    inside = sorted(found.parent.name for found in path.glob("*/wav.scp"))
    if not inside:
        raise UserError(
            f"{folder}: no data folder of Kaldi's here; looked for {folder / 'wav.scp'}; correct corpus.path"
        )
    if subset is None:
        raise UserError(f"{path}: several data folders; say corpus.subset, one of: {', '.join(inside)}")
    raise UserError(f"corpus.subset: {path} has no data folder '{subset}'{nearest(subset, inside)}")


def _optional(file: Path) -> Rows:
    return rows(file) if file.is_file() else {}


def _span(rest: str) -> _Span:
    """Read ``recording start end [channel]``; an end of -1 is that of the recording."""
    words = rest.split()
    if len(words) not in (3, 4):
        raise EntryError("not a segment; write 'utterance recording start end', times in seconds", "segment")
    try:
        start, end = float(words[1]), float(words[2])
        channel = int(words[3]) if len(words) == 4 else None
    except ValueError:
        raise EntryError(f"'{' '.join(words[1:])}' must be seconds, start and end; correct them", "segment") from None
    if end == -1:
        end = math.nan
    if not (0 <= start < math.inf and (math.isnan(end) or start < end < math.inf)):
        raise EntryError(
            f"a segment from {words[1]} s to {words[2]} s; correct them: the end follows the start", "segment"
        )
    return _Span(words[0], start, end, channel)


def _utterance(data: _Folder, line: KaldiLine, span: _Span) -> Utterance:
    speaker = sys.intern(_value(data.speakers, line.key, "utt2spk", "who speaks"))
    text = _value(data.texts, line.key, "text", "what is said")
    path = found_from(data.path, _file(_value(data.recordings, span.recording, "wav.scp", "where its audio is")))
    whole = _seconds(data.durations, span.recording)
    length = (whole if math.isnan(span.end_seconds) else span.end_seconds) - span.start_seconds
    audio = part_of(path, span.start_seconds, length, whole, span.channel)
    fields = sex_of(data.genders.get(line.key, data.genders.get(speaker)))
    return Utterance(line.key, speaker, normal_text(text), length, audio, fields, where=line.where)


def _value(table: Rows, key: str, file: str, what: str) -> str:
    value = table.get(key)
    if isinstance(value, Fault):
        raise EntryError(f"{value}", value.kind)
    if value is None:
        raise EntryError(f"{file} has no line of '{key}' to say {what}; add it", f"not in {file}")
    return value


def _file(entry: str) -> str:
    if entry.endswith("|"):
        raise EntryError(f"'{entry}' is a command, which is not run; write the audio to files first", "command")
    if entry == "-" or _OFFSET.search(entry):
        raise EntryError(f"'{entry}' is a place in an archive or a stream; write the audio to files first", "archive")
    if not entry:
        raise EntryError("wav.scp names no audio file; write 'recording path'", "without audio")
    return entry


def _seconds(durations: Rows, recording: str) -> float:
    """Return the stated length of a recording, or NaN."""
    stated = durations.get(recording, "nan")
    try:
        return float(stated) if isinstance(stated, str) else math.nan
    except ValueError:
        raise EntryError(
            f"reco2dur says '{stated}' of '{recording}', no number of seconds; correct it", "segment"
        ) from None
