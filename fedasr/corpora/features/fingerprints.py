"""Fingerprints of audio, remembered for files that did not change, so that a large corpus is hashed once."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from fedasr.common.files import read_object
from fedasr.common.strict_json import sealed, strict
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.connected import JoinedAudio, joined_fingerprint
from fedasr.corpora.noisy.noisy_audio import NoisyAudio, noisy_fingerprint
from fedasr.corpora.sped import SpedAudio, sped_fingerprint
from fedasr.corpora.utterance import AudioSource

# A file written again within the clock's grain keeps its time of modification.
_SETTLED_NS = 2_000_000_000


class Fingerprints:
    """Hashes of audio sources, those of files by path, size and time of modification.

    Parameters
    ----------
    file : Path
        Where they are remembered. A damaged or missing file is an empty memory.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = _load(file)
        self._changed = False

    def of(self, audio: AudioSource) -> str:
        """Return the fingerprint of an audio source."""
        if isinstance(audio, AudioFile):
            return audio.fingerprint_with(self._of_content(audio))
        if isinstance(audio, JoinedAudio):
            return joined_fingerprint([self.of(source) for source in audio.sources], audio.gaps_seconds)
        if isinstance(audio, SpedAudio):
            return sped_fingerprint(self.of(audio.source), audio.speed)
        if isinstance(audio, NoisyAudio):
            return noisy_fingerprint(audio, self.of(audio.source), [self.of(voice) for voice in audio.babble])
        return audio.fingerprint()

    def save(self) -> None:
        """Write what was learnt, whole or not at all; of two processes the later one wins.

        A memory that cannot be kept costs time alone, so that a full disk is no error here.
        """
        if not self._changed:
            return
        temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(strict(sealed(self._known, self._file.name)), encoding="utf-8")
            os.replace(temporary, self._file)
            self._changed = False
        with suppress(OSError):
            temporary.unlink(missing_ok=True)

    def _of_content(self, audio: AudioFile) -> str:
        try:
            stat = audio.path.stat()
        except OSError:
            return audio.content_hash()
        key = f"{stat.st_size} {stat.st_mtime_ns} {audio.path.absolute()}"
        if key in self._known:
            return self._known[key]
        content_hash = audio.content_hash()
        if time.time_ns() - stat.st_mtime_ns >= _SETTLED_NS:
            self._known[key] = content_hash
            self._changed = True
        return content_hash


def _load(file: Path) -> dict[str, str]:
    try:
        return read_object(file)
    except (OSError, ValueError):
        return {}
