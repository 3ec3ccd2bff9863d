"""The samples of audio files, as they are in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.audio.info import AudioInfo
from fedasr.corpora.audio.inspection import info_of
from fedasr.corpora.audio.opening import opened
from fedasr.corpora.audio.part import AudioPart
from fedasr.corpora.audio.stored import Stored

# A header may promise more than fits into memory; so much is asked for at once.
_BLOCK_VALUES = 2**22
# Where MPEG of layers I and II tells no count, libsndfile guesses.
_GUESS_FRAMES = 4096


def decode(stored: Stored, part: AudioPart) -> tuple[NDArray[np.float32], AudioInfo]:
    """Return the samples of a part, shape (samples, channels), and what they are.

    Raises
    ------
    UserError
        If the audio cannot be used, or the samples are not there.
    """
    with opened(stored) as file:
        info = info_of(file, stored.name)
        found = part.within(info, stored.name)
        first, count = part.span(info, stored.name)
        if file.seekable() and info.format != "MP3":
            file.seek(first)
            samples_TC = _read(file, count)
        else:
            # MP3 can be sought in, but the first samples after it are not those of the whole.
            samples_TC = _read(file, first + count)[first:]
        slack = _GUESS_FRAMES if file.subtype in ("MPEG_LAYER_I", "MPEG_LAYER_II") else 0
    if len(samples_TC) < count - slack:
        told = f"the header says {first + count} samples, found {first + len(samples_TC)}"
        raise UserError(f"{stored.name}: truncated audio: {told}; copy the file again")
    return samples_TC if part.channel is None else samples_TC[:, [part.channel]], found


def _read(file: Any, count: int) -> NDArray[np.float32]:
    blocks = list(_blocks(file, count))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def _blocks(file: Any, count: int) -> Iterator[NDArray[np.float32]]:
    while True:
        block = file.read(min(count, _BLOCK_VALUES // file.channels), dtype="float32", always_2d=True)
        yield block
        count -= len(block)
        if not count or not len(block):
            return
