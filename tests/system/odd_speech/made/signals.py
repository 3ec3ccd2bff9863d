"""Signals that are known at any rate, and how their samples are coded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
Signal = NDArray[np.float64]


def chirp(seconds: float = 0.5, rate_hz: float = RATE_HZ, level: float = 0.3) -> Signal:
    """Return a tone that climbs from 200 Hz to 1.5 kHz."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return level * np.sin(2 * np.pi * (200 * at + 650 * at**2 / seconds))


def noise(seconds: float = 0.5, rate_hz: float = RATE_HZ, level: float = 0.1, seed: int = 0) -> Signal:
    """Return white noise."""
    return np.clip(level * np.random.default_rng(seed).standard_normal(round(seconds * rate_hz)), -0.99, 0.99)


def integers(samples: Signal, bits: int) -> NDArray[np.int64]:
    """Return samples as whole numbers of so many bits."""
    return np.round(np.clip(samples * 2.0 ** (bits - 1), -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1)).astype(np.int64)


def rounded(samples: Signal, bits: int = 16) -> Signal:
    """Return what is left of samples after coding."""
    return integers(samples, bits) / 2.0 ** (bits - 1)


def pcm(samples: Signal, bits: int = 16, order: str = "<") -> bytes:
    """Return samples as signed whole numbers; 8 bits are unsigned in WAV alone, and 24 are cut out of 32."""
    if bits == 24:
        four = integers(samples, 24).astype(f"{order}i4").view(np.uint8).reshape(-1, 4)
        return (four[:, :3] if order == "<" else four[:, 1:]).tobytes()
    return integers(samples, bits).astype(f"{order}i{bits // 8}").tobytes()


def interleaved(*channels: Signal) -> Signal:
    """Return channels sample by sample."""
    return np.stack(channels, axis=1).reshape(-1)


def from_mu_law(codes: bytes) -> Signal:
    """Decode G.711 μ-law."""
    flipped = 255 - np.frombuffer(codes, np.uint8).astype(np.int64)
    size = ((((flipped & 15) << 3) + 132) << ((flipped & 112) >> 4)) - 132
    return np.where(flipped & 128, -size, size) / 32768


def from_a_law(codes: bytes) -> Signal:
    """Decode G.711 A-law."""
    code = np.frombuffer(codes, np.uint8).astype(np.int64) ^ 0x55
    segment, size = (code & 112) >> 4, ((code & 15) << 4) + 8
    size = np.where(segment == 0, size, (size + 256) << np.maximum(segment - 1, 0))
    return np.where(code & 128, size, -size) / 32768


def coded(samples: Signal, decode: object) -> bytes:
    """Return the codes of a law whose values are nearest."""
    every = bytes(range(256))
    values = decode(every)  # type: ignore[operator]
    order = np.argsort(values, kind="stable")
    between = (values[order][1:] + values[order][:-1]) / 2
    return bytes(order[np.searchsorted(between, samples)].astype(np.uint8))
