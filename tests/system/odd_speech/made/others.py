"""AIFF, AU, CAF, SPHERE, and what libsndfile's own coders write."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from itertools import pairwise
from typing import Any

import soundfile

from system.odd_speech.made.signals import RATE_HZ, Signal, pcm

MU_LAW_AU, PCM_16_AU, A_LAW_AU = 1, 3, 27


def _chunk(name: bytes, body: bytes, stated: int | None = None) -> bytes:
    return name + struct.pack(">I", len(body) if stated is None else stated) + body + bytes(len(body) % 2)


def extended(value: Fraction | int) -> bytes:
    """Return a number as a float of 80 bits, in which AIFF keeps its rates."""
    exponent = int(value).bit_length() - 1
    return struct.pack(">HQ", 16383 + exponent, int(Fraction(value) * 2 ** (63 - exponent)))


def aiff(
    data: bytes, frames: int, rate_hz: Fraction | int = RATE_HZ, *, bits: int = 16, channels: int = 1,
    compression: bytes = b"", stated: int | None = None,
) -> bytes:  # fmt: skip
    """Return AIFF, or AIFF-C where a compression is named."""
    common = struct.pack(">HIH", channels, frames, bits) + extended(rate_hz)
    common += compression + b"\x00\x00" if compression else b""
    version = _chunk(b"FVER", struct.pack(">I", 0xA2805140)) if compression else b""
    sound = _chunk(b"SSND", bytes(8) + data, None if stated is None else stated + 8)
    body = (b"AIFC" if compression else b"AIFF") + version + _chunk(b"COMM", common) + sound
    return b"FORM" + struct.pack(">I", len(body)) + body


def au(data: bytes, encoding: int = PCM_16_AU, rate_hz: int = RATE_HZ, stated: int | None = None) -> bytes:
    """Return Sun's AU; a length of 0xFFFFFFFF means unknown."""
    size = len(data) if stated is None else stated
    return b".snd" + struct.pack(">5I", 28, size, encoding, rate_hz, 1) + bytes(4) + data


def caf(samples: Signal, rate_hz: float = RATE_HZ, *, stated: int | None = None, little: bool = True) -> bytes:
    """Return Apple's Core Audio Format with 16 bits; a length of -1 means to the end."""
    data = pcm(samples, order="<" if little else ">")
    described = struct.pack(">d4sIIIII", rate_hz, b"lpcm", 2 if little else 0, 2, 1, 1, 16)
    size = 4 + len(data) if stated is None else stated
    return (
        b"caff" + struct.pack(">HH", 1, 0) + b"desc" + struct.pack(">q", len(described)) + described
        + b"data" + struct.pack(">q", size) + bytes(4) + data
    )  # fmt: skip


def sphere(samples: Signal, rate_hz: int = RATE_HZ, *, stated: int | None = None, order: str = "01") -> bytes:
    """Return NIST SPHERE, as TIMIT and the LDC's corpora have it."""
    fields = (
        f"sample_count -i {len(samples) if stated is None else stated}", f"sample_rate -i {rate_hz}",
        "channel_count -i 1", "sample_n_bytes -i 2", f"sample_byte_format -s2 {order}", "sample_sig_bits -i 16",
        "sample_coding -s3 pcm", "database_id -s5 TIMIT",
    )  # fmt: skip
    head = "\n".join(["NIST_1A", "   1024", *fields, "end_head", ""]).encode()
    return head.ljust(1024, b" ") + pcm(samples, order="<" if order == "01" else ">")


def encoded(samples: Any, rate_hz: int = RATE_HZ, form: str = "FLAC", subtype: str | None = None, **how: Any) -> bytes:
    """Return what libsndfile writes in some format."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype, **how)
    return file.getvalue()


def streamed(flac: bytes) -> bytes:
    """Return a FLAC file whose header does not say how long it is, as a pipe leaves it."""
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


def pages(ogg: bytes) -> list[bytes]:
    """Return the pages of an Ogg file."""
    starts = [0]
    while starts[-1] < len(ogg):
        table = ogg[starts[-1] + 27 :][: ogg[starts[-1] + 26]]
        starts.append(starts[-1] + 27 + len(table) + sum(table))
    return [ogg[a:b] for a, b in pairwise(starts)]
