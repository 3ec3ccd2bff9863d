"""WAV and its relatives: RIFF, RF64, WAVE_FORMAT_EXTENSIBLE."""

from __future__ import annotations

import struct

from system.odd_speech.made.signals import RATE_HZ, Signal, pcm

PCM, IEEE, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
INFO = b"INFO" + b"ISFT" + struct.pack("<I", 10) + b"Recorder 2"
"""A list of remarks."""
UNKNOWN = 0xFFFF_FFFF


def chunk(name: bytes, body: bytes, stated: int | None = None) -> bytes:
    """Return a chunk; one of odd length is padded."""
    return name + struct.pack("<I", len(body) if stated is None else stated) + body + bytes(len(body) % 2)


def fmt(code: int = PCM, rate_hz: int = RATE_HZ, bits: int = 16, channels: int = 1, extra: bytes = b"") -> bytes:
    """Return the chunk that says how samples are coded."""
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * block, block, bits) + extra)


def extensible(rate_hz: int, bits: int, valid: int, channels: int = 1, code: int = PCM) -> bytes:
    """Return the longer form of that chunk, with a GUID in place of a code."""
    guid = struct.pack("<H", code) + bytes.fromhex("000000001000800000aa00389b71")
    return fmt(EXTENSIBLE, rate_hz, bits, channels, struct.pack("<HHI", 22, valid, (1 << channels) - 1) + guid)


def riff(*chunks: bytes, stated: int | None = None) -> bytes:
    """Return a WAV file of some chunks."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if stated is None else stated) + body


def wav(
    samples: Signal, rate_hz: int = RATE_HZ, *, channels: int = 1, before: bytes = b"", after: bytes = b"",
    stated: int | None = None, riff_stated: int | None = None,
) -> bytes:  # fmt: skip
    """Return a WAV file of 16 bits; what it states of its lengths may be wrong."""
    data = chunk(b"data", pcm(samples), stated)
    return riff(fmt(rate_hz=rate_hz, channels=channels), before, data, after, stated=riff_stated)


def rf64(samples: Signal, rate_hz: int = RATE_HZ, stated_bytes: int | None = None) -> bytes:
    """Return the form for files above 4 GiB."""
    data = pcm(samples)
    size = len(data) if stated_bytes is None else stated_bytes
    ds64 = chunk(b"ds64", struct.pack("<QQQI", size + 72, size, size // 2, 0))
    body = b"WAVE" + ds64 + fmt(rate_hz=rate_hz) + chunk(b"data", data, UNKNOWN)
    return b"RF64" + struct.pack("<I", UNKNOWN) + body
