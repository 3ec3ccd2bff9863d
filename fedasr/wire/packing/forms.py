"""The three forms of a sparse vector of signs as bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.wire.codec import WireError
from fedasr.wire.header import expect, unpack
from fedasr.wire.packing.gaps import best_k, decode_gaps, encode_gaps, gap_bytes, gaps_of, pack_bits, unpack_bits
from fedasr.wire.packing.sparse import Sparse

FORM = struct.Struct("<BBHfQ")
"""Form, bits of a Golomb-Rice remainder, zero, threshold, number of values that are not zero."""

FORMS = {"words": 1, "golomb-rice": 2, "map": 3}
WORD_LIMIT = 1 << 31


@dataclass(frozen=True)
class Plan:
    """How a sparse vector will be written, and the exact number of bytes after the small header."""

    form: str
    size: int
    gaps: NDArray[np.int64]
    k: int = 0


def plan(sparse: Sparse, elements: int, form: str = "auto") -> Plan:
    """Return the smallest form, or the one that is asked for.

    Golomb-Rice gaps with k = 0 are a bit map and the signs of its ones: only very small vectors of
    almost no zeros are smaller as a map of two bits a value.

    Raises
    ------
    WireError
        Where words are asked for and an index does not fit 31 bits.
    """
    if form == "words" and elements >= WORD_LIMIT:
        raise WireError(f"{elements} values: words hold indices below {WORD_LIMIT}; use form 'golomb-rice'")
    gaps, count = gaps_of(sparse.indices), sparse.count
    k = best_k(gaps)
    plans = {
        "golomb-rice": Plan("golomb-rice", gap_bytes(gaps, k) + -(-count // 8), gaps, k),
        "map": Plan("map", -(-elements // 4), gaps),
        "words": Plan("words", 4 * count, gaps),
    }
    if form != "auto":
        return plans[form]
    if elements >= WORD_LIMIT:
        del plans["words"]
    return min(plans.values(), key=lambda one: one.size)


def encode_sparse(sparse: Sparse, threshold: np.float32, elements: int, chosen: Plan) -> list[bytes]:
    """Return the small header and the sections that follow it."""
    header = FORM.pack(FORMS[chosen.form], chosen.k, 0, threshold, sparse.count)
    if chosen.form == "golomb-rice":
        return [header, encode_gaps(chosen.gaps, chosen.k), pack_bits(sparse.signs < 0)]
    if chosen.form == "words":
        words = sparse.indices.astype("<u4") | (sparse.signs < 0).astype("<u4") << np.uint32(31)
        return [header, words.tobytes()]
    codes = np.zeros(-(-elements // 4) * 4, np.uint8)
    codes[sparse.indices] = np.where(sparse.signs < 0, 2, 1)
    return [header, (codes[0::4] | codes[1::4] << 2 | codes[2::4] << 4 | codes[3::4] << 6).tobytes()]


def decode_sparse(body: memoryview, elements: int) -> tuple[Sparse, np.float32]:
    """Return the sparse vector and its threshold.

    Raises
    ------
    WireError
        Where anything is out of range, missing or left over.
    """
    (form, k, zero, threshold, count), sections = unpack(FORM, body)
    if zero != 0 or not (0 < threshold < np.inf or (threshold == count == 0)):
        raise WireError(f"a threshold of {threshold} is not above 0 and finite, or the small header is not")
    if count > elements:
        raise WireError(f"{count} values announced as not zero out of {elements}")
    if form != FORMS["golomb-rice"] and k:
        raise WireError(f"remainders of {k} bits in a form that has none")
    reader = _READERS.get(int(form))
    if reader is None:
        raise WireError(f"unknown form {form} of a thresholded blob")
    return reader(sections, int(count), int(k), elements), np.float32(threshold)


def _read_gaps(body: memoryview, count: int, k: int, elements: int) -> Sparse:
    cut = len(body) - -(-count // 8)
    if cut < 0:
        raise WireError(f"truncated: {len(body)} bytes for {count} signs")
    indices = decode_gaps(body[:cut], count, k, elements)
    return Sparse(indices, _signs(unpack_bits(body[cut:], count)))


def _read_words(body: memoryview, count: int, k: int, elements: int) -> Sparse:
    expect(body, 4 * count)
    words = np.frombuffer(body, "<u4")
    indices = (words & np.uint32(WORD_LIMIT - 1)).astype(np.int64)
    if count and (indices[-1] >= elements or (np.diff(indices) <= 0).any()):
        raise WireError(f"the positions do not ascend below {elements}")
    return Sparse(indices, _signs(words >> np.uint32(31)))


def _read_map(body: memoryview, count: int, k: int, elements: int) -> Sparse:
    expect(body, -(-elements // 4))
    packed = np.frombuffer(body, np.uint8)
    if (packed & packed >> 1 & 0x55).any():
        raise WireError("a code of the map is neither zero nor a sign")
    codes = np.stack([packed >> shift & 3 for shift in (0, 2, 4, 6)], axis=1).reshape(-1)
    indices = np.flatnonzero(codes)
    if indices.size != count or (count and indices[-1] >= elements):
        raise WireError(f"{indices.size} values in the map where {count} of {elements} are announced")
    return Sparse(indices, _signs(codes[indices] >> 1))


def _signs(negative: NDArray[np.integer]) -> NDArray[np.int8]:
    return np.int8(1) - np.int8(2) * negative.astype(np.int8)


_READERS: dict[int, Callable[[memoryview, int, int, int], Sparse]] = {
    FORMS["words"]: _read_words,
    FORMS["golomb-rice"]: _read_gaps,
    FORMS["map"]: _read_map,
}
