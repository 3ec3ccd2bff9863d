"""Audio sources as JSON, for the index of a cached corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.connected import JoinedAudio
from fedasr.corpora.noisy.noisy_audio import NoisyAudio
from fedasr.corpora.sped import SpedAudio
from fedasr.corpora.synthetic.render import SpokenText
from fedasr.corpora.synthetic.voices import Voice
from fedasr.corpora.toolkits.stored_audio import StoredAudio
from fedasr.corpora.utterance import AudioSource

_NOISE = ("snr_db", "room_seconds", "seed")
_WHOLE = {"offset_seconds": 0.0, "length_seconds": None, "channel": None}


@dataclass(frozen=True)
class ForgottenAudio:
    """Audio of a kind that an index cannot describe: only its features are left.

    Parameters
    ----------
    kind, hash : str
        What it was.
    """

    kind: str
    hash: str

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Raise: the samples are not there."""
        raise UserError(f"the cache keeps features, not audio of kind {self.kind}; load the corpus from its source")

    def fingerprint(self) -> str:
        """Return the fingerprint of the audio that was."""
        return self.hash


def describe(audio: AudioSource) -> dict[str, Any]:
    """Return what it takes to make an audio source again, as JSON values."""
    if isinstance(audio, AudioFile):
        return {"file": str(audio.path.absolute())} | _part(audio)
    if isinstance(audio, JoinedAudio):
        return {"joined": [describe(s) for s in audio.sources], "gaps_seconds": list(audio.gaps_seconds)}
    if isinstance(audio, SpedAudio):
        return {"sped": describe(audio.source), "speed": audio.speed}
    if isinstance(audio, NoisyAudio):
        own = {key: getattr(audio, key) for key in _NOISE}
        return {"noisy": describe(audio.source), "babble": [describe(voice) for voice in audio.babble], **own}
    if isinstance(audio, SpokenText):
        return {"spoken": asdict(audio)}
    if isinstance(audio, StoredAudio):
        return {"cell": {**vars(audio), "folder": str(audio.folder.absolute())}}
    return {"kind": type(audio).__name__, "hash": audio.fingerprint()}


def restore(description: Mapping[str, Any]) -> AudioSource:
    """Return the audio source that `describe` described."""
    if "file" in description:
        part = (description.get(key, usual) for key, usual in _WHOLE.items())
        return AudioFile(Path(description["file"]), *part)
    if "joined" in description:
        sources = tuple(restore(part) for part in description["joined"])
        return JoinedAudio(sources, tuple(description["gaps_seconds"]))
    if "sped" in description:
        return SpedAudio(restore(description["sped"]), description["speed"])
    if "noisy" in description:
        voices = tuple(restore(voice) for voice in description["babble"])
        return NoisyAudio(restore(description["noisy"]), voices, *(description[key] for key in _NOISE))
    if "spoken" in description:
        recipe = dict(description["spoken"])
        return SpokenText(**{**recipe, "voice": Voice(**recipe["voice"])})
    if "cell" in description:
        cell = description["cell"]
        return StoredAudio(Path(cell["folder"]), cell["column"], cell["row"])
    return ForgottenAudio(description["kind"], description["hash"])


def _part(audio: AudioFile) -> dict[str, Any]:
    """Return the keys that only a part of a file has: rows of whole files are as they always were."""
    return {key: value for key, usual in _WHOLE.items() if (value := getattr(audio, key)) != usual}
