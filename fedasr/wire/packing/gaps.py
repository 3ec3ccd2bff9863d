"""Ascending positions as Golomb-Rice gaps: quotients in unary, then remainders of k bits each.

The two kinds of bits stand in sections of their own, which costs no more than mixing them and lets both be
read without a loop over the positions.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedasr.wire.codec import WireError

Indices = NDArray[np.int64]


def gaps_of(indices: Indices) -> Indices:
    """Return how many positions are skipped before each of the ascending indices."""
    gaps = np.diff(indices, prepend=-1)
    gaps -= 1
    return gaps


def best_k(gaps: Indices) -> int:
    """Return the number of remainder bits with the fewest bits in all, searched from the geometric optimum."""
    if not gaps.size:
        return 0
    density = gaps.size / (int(gaps.sum()) + gaps.size)
    k = max(0, round(math.log2(math.log(2) / density)))
    here = _bits(gaps, k)
    for step in (1, -1):
        while k + step >= 0 and (there := _bits(gaps, k + step)) < here:
            k, here = k + step, there
    return k


def gap_bytes(gaps: Indices, k: int) -> int:
    """Return the exact size of what `encode_gaps` returns."""
    return -(-(int((gaps >> k).sum()) + gaps.size) // 8) + -(-k * gaps.size // 8)


def encode_gaps(gaps: Indices, k: int) -> bytes:
    """Return the unary section and the section of remainders, each filled up to a byte with zeros."""
    if not gaps.size:
        return b""
    stops = np.cumsum((gaps >> k) + 1)
    unary = np.zeros(int(stops[-1]), np.uint8)
    unary[stops - 1] = 1
    remainders = np.empty((gaps.size, k), np.uint8)
    for bit in range(k):
        remainders[:, bit] = (gaps >> bit) & 1
    return pack_bits(unary) + pack_bits(remainders)


def decode_gaps(body: memoryview, count: int, k: int, elements: int) -> Indices:
    """Return the ascending indices, every one below ``elements``.

    Raises
    ------
    WireError
        Where the sections are not exactly those of ``count`` such indices.
    """
    if count > elements or k > max(elements - 1, 0).bit_length() + 1:
        raise WireError(f"{count} positions with remainders of {k} bits do not fit {elements} values")
    unary_bytes = len(body) - -(-k * count // 8)
    if not 0 <= unary_bytes <= (elements + 7) // 8:
        raise WireError(f"{len(body)} bytes do not hold {count} positions of {elements}")
    stops = np.flatnonzero(np.unpackbits(np.frombuffer(body[:unary_bytes], np.uint8), bitorder="little"))
    if stops.size != count or -(-(int(stops[-1]) + 1 if count else 0) // 8) != unary_bytes:
        raise WireError(f"{stops.size} positions found where {count} are announced, or bytes left over")
    quotients = gaps_of(stops)
    if int(quotients.sum()) << k >= max(elements, 1):
        raise WireError(f"positions beyond the {elements} values of the layout")
    indices = np.cumsum((quotients << k) + _remainders(body[unary_bytes:], count, k) + 1) - 1
    if count and indices[-1] >= elements:
        raise WireError(f"position {indices[-1]} beyond the {elements} values of the layout")
    return indices


def pack_bits(bits: NDArray[np.uint8] | NDArray[np.bool_]) -> bytes:
    """Return bits, the first in the lowest place, filled up to a byte with zeros."""
    return np.packbits(bits, axis=None, bitorder="little").tobytes()


def unpack_bits(body: memoryview, count: int) -> NDArray[np.uint8]:
    """Return so many bits of exactly as many bytes as they need.

    Raises
    ------
    WireError
        Where the size is another one, or the bits that fill up the last byte are not zero.
    """
    if len(body) != -(-count // 8):
        raise WireError(f"{len(body)} bytes for {count} bits")
    if count % 8 and body[-1] >> count % 8:
        raise WireError("the bits after the last one are not zero")
    return np.unpackbits(np.frombuffer(body, np.uint8), count=count, bitorder="little")


def _bits(gaps: Indices, k: int) -> int:
    return int((gaps >> k).sum()) + (k + 1) * gaps.size


def _remainders(body: memoryview, count: int, k: int) -> Indices:
    bits = unpack_bits(body, k * count).reshape(count, k)
    values = np.zeros(count, np.int64)
    for bit in range(k):
        values |= bits[:, bit].astype(np.int64) << bit
    return values
