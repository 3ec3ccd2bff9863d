"""The samples of audio files, as they are in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.audio.info import AudioInfo
from fedasr.corpora.audio.refusal import reason, truncated

# An MP3 header counts the coder's delay, too.
_MP3_SLACK_FRAMES = 4096


def decode(path: Path, info: AudioInfo, first: int, count: int) -> NDArray[np.float32]:
    """Return some samples of a file, shape (samples, channels).

    Parameters
    ----------
    path : Path
    info : AudioInfo
        What the file's header says.
    first, count : int
        The first sample, and how many.

    Raises
    ------
    UserError
        If they are not there.
    """
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(first)
            samples_TC: NDArray[np.float32] = file.read(count, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UserError(f"{path}: truncated or damaged audio ({reason(error)}); copy the file again") from error
    slack = _MP3_SLACK_FRAMES if info.format == "MP3" else 0
    if len(samples_TC) < count - slack:
        raise UserError(truncated(path, first + len(samples_TC), first + count, "samples"))
    return samples_TC
