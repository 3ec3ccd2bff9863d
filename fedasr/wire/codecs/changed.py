"""An exact codec for a receiver that already has a base: only the values whose bits differ travel."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from fedasr.wire.codec import Arrays, Layout, WireError, check_float32
from fedasr.wire.header import HEADER, expect, seal, unpack, unseal
from fedasr.wire.packing.gaps import best_k, decode_gaps, encode_gaps, gap_bytes, gaps_of

SMALL = struct.Struct("<BBHIQ")
"""Form, bits of a Golomb-Rice remainder, zero, CRC-32 of the base, number of values that differ."""

ALL, SOME = 1, 2

Bits = NDArray[np.uint32]
Indices = NDArray[np.int64]


def encode_changed(arrays: Arrays, base: Arrays) -> bytes:
    """Return a blob of the values whose bits differ from the base, or of all where that is smaller.

    Raises
    ------
    WireError
        Where the arrays and the base have other names or shapes, or are not float32.
    """
    differ, k, size = _plan(arrays, base)
    new, checksum = _joined(arrays), _checksum(base)
    if differ is None or size == 4 * new.size:
        return seal("changed", new.size, [SMALL.pack(ALL, 0, 0, checksum, new.size), new.tobytes()])
    header = SMALL.pack(SOME, k, 0, checksum, differ.size)
    return seal("changed", new.size, [header, encode_gaps(gaps_of(differ), k), new[differ].tobytes()])


def decode_changed(blob: bytes, base: Arrays) -> dict[str, NDArray[np.float32]]:
    """Return new arrays with the bits that were encoded.

    Raises
    ------
    WireError
        Where the blob is truncated, corrupted, of another codec, or was made for another base.
    """
    layout = Layout.of(base)
    (form, k, zero, checksum, count), sections = unpack(SMALL, unseal(blob, "changed", layout))
    if zero or form not in (ALL, SOME) or count > layout.elements:
        raise WireError(f"the small header of the blob is not one of {layout.elements} values")
    if _checksum(base) != checksum:
        raise WireError("the blob was made for another base")
    if form == ALL:
        expect(sections, 4 * layout.elements)
        if k or count != layout.elements:
            raise WireError(f"{count} values announced where all {layout.elements} are sent")
        bits = np.frombuffer(sections, "<u4").astype(np.uint32)
    else:
        bits = _joined(base)
        _overwrite(bits, sections, int(count), int(k))
    return layout.split(bits.view(np.float32))


def changed_size(arrays: Arrays, base: Arrays) -> int:
    """Return the exact size of what `encode_changed` returns."""
    return HEADER.size + SMALL.size + _plan(arrays, base)[2]


def _plan(arrays: Arrays, base: Arrays) -> tuple[Indices | None, int, int]:
    """Return where values differ (None: send all), the bits of a remainder and the bytes of all sections."""
    differ, everything = _differing(arrays, base), 4 * Layout.of(base).elements
    if differ is None:
        return None, 0, everything
    gaps = gaps_of(differ)
    k = best_k(gaps)
    return differ, k, min(gap_bytes(gaps, k) + 4 * gaps.size, everything)


def _differing(arrays: Arrays, base: Arrays) -> Indices | None:
    """Return where the bits differ; None where even one bit for each position would not be saved."""
    check_float32(base)
    layout, start = Layout.of(base), 0
    if Layout.of(arrays) != layout:
        raise WireError("the arrays and the base have other names, shapes or types")
    differ = np.empty(layout.elements, np.bool_)
    for new, old in zip(arrays.values(), base.values(), strict=True):
        np.not_equal(_bits(new), _bits(old), out=differ[start : start + new.size])
        start += new.size
    count = int(np.count_nonzero(differ))
    return None if 4 * count + count // 8 >= 4 * layout.elements else np.flatnonzero(differ)


def _overwrite(bits: Bits, sections: memoryview, count: int, k: int) -> None:
    cut = len(sections) - 4 * count
    if cut < 0:
        raise WireError(f"truncated: {len(sections)} bytes for {count} values")
    indices = decode_gaps(sections[:cut], count, k, bits.size)
    bits[indices] = np.frombuffer(sections[cut:], "<u4")


def _bits(array: NDArray[np.float32]) -> Bits:
    return np.ascontiguousarray(array, "<f4").reshape(-1).view("<u4")


def _joined(arrays: Arrays) -> Bits:
    return np.concatenate([np.empty(0, np.uint32), *(_bits(array) for array in arrays.values())])


def _checksum(base: Arrays) -> int:
    checksum = 0
    for array in base.values():
        checksum = zlib.crc32(_bits(array).data, checksum)
    return checksum
