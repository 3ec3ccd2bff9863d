"""The dense codec: every value as float32."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.wire.codec import Arrays, Layout, WireError

MAGIC = b"FASR"
VERSION = 1
DENSE = 1
HEADER = struct.Struct("<4sBBHQI")
"""Magic, version, codec, zero, number of values, CRC-32 of what follows."""


@dataclass(frozen=True)
class Dense:
    """Float32, little endian, array after array, behind a header of 20 bytes."""

    def encode(self, arrays: Arrays) -> bytes:
        """Return the header and all values."""
        body = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays.values())
        return HEADER.pack(MAGIC, VERSION, DENSE, 0, len(body) // 4, zlib.crc32(body)) + body

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        if len(blob) < HEADER.size:
            raise WireError(f"truncated: {len(blob)} bytes, the header alone has {HEADER.size}")
        magic, version, codec, reserved, elements, checksum = HEADER.unpack_from(blob)
        if (magic, version, codec, reserved) != (MAGIC, VERSION, DENSE, 0):
            raise WireError("not a dense blob of this version")
        if elements != layout.elements:
            raise WireError(f"{elements} values announced for a layout of {layout.elements}")
        body = memoryview(blob)[HEADER.size :]
        if len(body) != 4 * elements:
            raise WireError(f"{len(body)} bytes of values instead of {4 * elements}")
        if zlib.crc32(body) != checksum:
            raise WireError("the checksum does not fit: the blob is corrupted")
        return layout.split(np.frombuffer(body, "<f4"))

    def deliver(self, arrays: Arrays) -> tuple[Arrays, int]:
        """Return the arrays themselves where they are float32: encoding and decoding changes no bit."""
        size = HEADER.size + 4 * sum(array.size for array in arrays.values())
        return {name: np.asarray(array, np.float32) for name, array in arrays.items()}, size


CODECS = {"dense": Dense()}
