"""The headers of a corpus' audio, each opened once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, runtime_checkable

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, AudioInfo, inspect
from fedasr.corpora.faults import Entry
from fedasr.corpora.utterance import AudioSource, Utterance

Progress = Callable[[int, int], None]
"""Told how many files were opened, and of how many."""

_THREADS = 8  # for disks that answer late; the work itself is small
_AT_ONCE = 64


@runtime_checkable
class InspectedAudio(Protocol):
    """Audio of another kind than `AudioFile` that knows its header."""

    def inspect(self) -> AudioInfo:
        """Return what the header says; a UserError where the audio cannot be used."""


Headers = dict[Path | str, AudioInfo | UserError]
"""What the headers say, or why they say nothing, by `key_of`."""


def key_of(utterance: Utterance) -> Path | str:
    """Return what the header of an utterance is found by: parts of a file have one header."""
    return utterance.audio.path if isinstance(utterance.audio, AudioFile) else utterance.id


def open_headers(entries: Iterable[Entry], progress: Progress | None = None) -> Headers:
    """Open the audio of all utterances in some threads."""
    sources = {key_of(u): u.audio for u in entries if isinstance(u, Utterance) and _has_header(u.audio)}
    keys = list(sources)
    found: Headers = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        if progress is not None:
            progress(0, len(keys))
        for answers in pool.map(_opened, _groups([sources[key] for key in keys])):
            found |= zip(keys[len(found) : len(found) + len(answers)], answers, strict=True)
            if progress is not None:
                progress(len(found), len(keys))
    return found


def _has_header(audio: AudioSource) -> bool:
    return isinstance(audio, AudioFile | InspectedAudio)


def _groups(sources: Sequence[AudioSource]) -> list[Sequence[AudioSource]]:
    return [sources[first : first + _AT_ONCE] for first in range(0, len(sources), _AT_ONCE)]


def _opened(sources: Sequence[AudioSource]) -> list[AudioInfo | UserError]:
    return [_header(source) for source in sources]


def _header(source: AudioSource) -> AudioInfo | UserError:
    try:
        if isinstance(source, AudioFile):
            return inspect(Path(source.path))  # a copy: a path remembers its text once it was asked for it
        assert isinstance(source, InspectedAudio)
        return source.inspect()
    except UserError as error:
        return error
    except OSError as error:  # a name that no file can have, a folder that nobody may look into
        return UserError(f"the audio cannot be opened ({error.strerror}); correct the path or the permissions")
