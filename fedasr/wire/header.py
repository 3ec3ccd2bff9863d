"""The header that every blob begins with, and the checks that come before anything else is read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from fedasr.wire.codec import Layout, WireError

MAGIC = b"FASR"
VERSION = 1
HEADER = struct.Struct("<4sBBHQI")
"""Magic, version, codec, flags (zero for fedasr's own codecs), number of values, CRC-32 of what follows."""

NUMBERS = {"dense": 1, "fp16": 2, "int8": 3, "threshold": 4, "top-k": 5, "powersgd": 6, "sign": 7, "changed": 8}
"""The number of each codec on the wire; none is ever used again for another."""

FOREIGN = 255
"""The number of every codec from elsewhere; the flags then hold a checksum of its name."""


def seal(codec: str, elements: int, parts: Iterable[bytes]) -> bytes:
    """Return the header and the parts that follow it as one blob."""
    body = b"".join(parts)
    return HEADER.pack(MAGIC, VERSION, *_identity(codec), elements, zlib.crc32(body)) + body


def unseal(blob: bytes, codec: str, layout: Layout) -> memoryview:
    """Return what follows the header, after checking all that the header says.

    Raises
    ------
    WireError
        Where the blob is truncated, corrupted, of another codec or version, or of a model of another size.
    """
    elements, checksum, body = _open(blob, codec)
    if elements != layout.elements:
        raise WireError(f"{elements} values announced for a layout of {layout.elements}")
    if zlib.crc32(body) != checksum:
        raise WireError(f"the checksum over {len(body)} bytes does not fit: the blob is truncated or corrupted")
    return body


def peek(blob: bytes, codec: str) -> tuple[int, memoryview]:
    """Return the number of values that a blob announces and what follows its header, for a sender's own blob.

    Raises
    ------
    WireError
        Where the blob is truncated, or of another codec or version; the checksum is not looked at.
    """
    elements, _, body = _open(blob, codec)
    return elements, body


def expect(body: memoryview, size: int) -> None:
    """Refuse a body of another size than what its header implies.

    Raises
    ------
    WireError
        Where bytes are missing or left over.
    """
    if len(body) != size:
        raise WireError(f"{len(body)} bytes of values instead of {size}")


def unpack(form: struct.Struct, body: memoryview) -> tuple[tuple[int | float, ...], memoryview]:
    """Return the fields of a codec's own small header, and what follows it."""
    if len(body) < form.size:
        raise WireError(f"truncated: {len(body)} bytes, the codec's header alone has {form.size}")
    return form.unpack_from(body), body[form.size :]


def _open(blob: bytes, codec: str) -> tuple[int, int, memoryview]:
    if len(blob) < HEADER.size:
        raise WireError(f"truncated: {len(blob)} bytes, the header alone has {HEADER.size}")
    magic, version, number, flags, elements, checksum = HEADER.unpack_from(blob)
    if (magic, version, number, flags) != (MAGIC, VERSION, *_identity(codec)):
        raise WireError(f"not a {codec} blob of version {VERSION}")
    return elements, checksum, memoryview(blob)[HEADER.size :]


def _identity(codec: str) -> tuple[int, int]:
    """Return number and flags of a codec."""
    if codec in NUMBERS:
        return NUMBERS[codec], 0
    return FOREIGN, zlib.crc32(codec.encode()) & 0xFFFF
