"""Encoded audio in memory, in every way in which a test needs it."""

import io

import numpy as np
import soundfile

from fedasr.corpora.audio.decoding import decode
from fedasr.corpora.audio.inspection import inspect_stored
from fedasr.corpora.audio.lengths.mpeg_header import parse_header
from fedasr.corpora.audio.part import AudioPart
from fedasr.corpora.audio.stored import StoredBytes

SAMPLES = 8_000


def sound(samples: int = SAMPLES, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(samples) * 0.1).astype(np.float32)


def encoded(form: str, subtype: str | None = None, rate_hz: int = 8_000, **options: object) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, options.pop("samples", sound()), rate_hz, format=form, subtype=subtype, **options)
    return stream.getvalue()


def read(content: bytes) -> np.ndarray:
    """Return the samples of the first channel, as many as an inspection says."""
    stored = StoredBytes("a.file", content)
    info = inspect_stored(stored)
    samples_TC, _ = decode(stored, AudioPart())
    assert samples_TC.shape == (info.frames, info.channels)
    return samples_TC[:, 0]


def mp3_frames(content: bytes) -> list[bytes]:
    """Return the frames of an MP3 file without tags before or behind them, the frame that counts them first."""
    frames, position = [], 0
    while position < len(content):
        header = parse_header(content, position)
        assert header is not None
        frames.append(content[position : position + header.size])
        position += header.size
    return frames
