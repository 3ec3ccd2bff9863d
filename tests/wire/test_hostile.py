"""Hostile bytes: a `WireError` or arrays that make sense, never anything else, and never much memory.

FEDASR_FUZZ sets how many blobs are tried in all.
"""

import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from support.models import ALL, flat, message

from fedasr.wire.codec import Arrays, Layout, WireError
from fedasr.wire.codecs.changed import decode_changed, encode_changed
from fedasr.wire.header import HEADER, NUMBERS
from fedasr.wire.packing.forms import FORM

BLOBS = int(os.environ.get("FEDASR_FUZZ", "4000"))
LAYOUT = Layout.of(message())


def _changed() -> bytes:
    new = message()
    new["w"][::2] += 1
    return encode_changed(new, message())


ENCODED: dict[str, bytes] = {name: codec.encode(message(), {})[0] for name, codec in ALL.items()}
ENCODED["changed"] = _changed()
DECODE: dict[str, Callable[[bytes], Arrays]] = {
    name: lambda blob, codec=codec: codec.decode(blob, LAYOUT) for name, codec in ALL.items()
}
DECODE["changed"] = lambda blob: decode_changed(blob, message())


def _sealed(blob: bytes) -> bytes:
    """Return a blob whose checksum fits again, so that the parser behind it is reached."""
    if len(blob) < HEADER.size:
        return blob
    return blob[: HEADER.size - 4] + struct.pack("<I", zlib.crc32(blob[HEADER.size :])) + blob[HEADER.size :]


@pytest.mark.parametrize("name", ENCODED)
def test_every_truncation_and_every_byte_more_is_refused(name: str) -> None:
    blob = ENCODED[name]
    for broken in [blob[:length] for length in range(len(blob))] + [blob + b"\0", blob + blob]:
        for candidate in (broken, _sealed(broken)):
            with pytest.raises(WireError):
                DECODE[name](candidate)


@pytest.mark.parametrize("name", ENCODED)
def test_every_flipped_bit_is_refused(name: str) -> None:
    for bit in range(8 * len(ENCODED[name])):
        broken = bytearray(ENCODED[name])
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(WireError):
            DECODE[name](bytes(broken))


@pytest.mark.parametrize("name", ENCODED)
def test_the_blob_of_another_codec_or_layout_is_refused(name: str) -> None:
    own = HEADER.unpack_from(ENCODED[name])[2]
    for other, blob in ENCODED.items():
        if HEADER.unpack_from(blob)[2] != own:
            with pytest.raises(WireError, match="not a "):
                DECODE[name](blob)
        elif other != "changed":
            with pytest.raises(WireError, match="layout"):
                ALL[other].decode(blob, Layout(("w",), ((6, 4),)))


def _candidate(random: np.random.Generator, blob: bytes) -> bytes:
    """Return noise, or a blob with changed, cut or spliced bytes; most often with a checksum that fits."""
    kind, broken = random.integers(6), bytearray(blob)
    if kind == 0:
        broken = bytearray(random.bytes(int(random.integers(200))))
    elif kind == 1:
        broken = bytearray(blob[: HEADER.size] + random.bytes(int(random.integers(120))))
    elif kind == 2:
        other = ENCODED[str(random.choice(list(ENCODED)))]
        broken = bytearray(blob[: HEADER.size] + other[HEADER.size :])
    elif kind == 3:
        cut = int(random.integers(len(blob)))
        broken = bytearray(blob[:cut] + random.bytes(int(random.integers(9))) + blob[cut + int(random.integers(9)) :])
    else:
        # The codec's own small header lies first: half of the changes go there.
        reach = len(blob) if kind == 4 else HEADER.size + 24
        for place in random.integers(HEADER.size, max(reach, HEADER.size + 1), random.integers(1, 6)):
            if place < len(broken):
                broken[place] = random.choice([0, 1, 127, 128, 255, random.integers(256)])
    return _sealed(bytes(broken)) if random.random() < 0.9 else bytes(broken)


def _decoded(name: str, blob: bytes) -> Arrays | None:
    """Return the arrays of a blob, or None where it is refused; anything else goes through."""
    try:
        return DECODE[name](blob)
    except WireError:
        return None


@pytest.mark.parametrize("name", ENCODED)
def test_fuzzed_blobs_are_refused_or_make_sense(name: str) -> None:
    random = np.random.default_rng(NUMBERS.get(name, len(name)))
    accepted = 0
    for _ in range(-(-BLOBS // len(ENCODED))):
        arrays = _decoded(name, _candidate(random, ENCODED[name]))
        if arrays is None:
            continue
        accepted += 1
        assert Layout.of(arrays) == LAYOUT
        assert all(array.dtype == np.float32 for array in arrays.values())
        assert name in ("dense", "changed") or np.isfinite(flat(arrays)).all()
    # Some must get through, or the parser behind the checksum was never reached.
    assert accepted > 0


@pytest.mark.parametrize("name", ENCODED)
def test_no_header_makes_much_memory(name: str) -> None:
    random = np.random.default_rng(0)
    tracemalloc.start()
    try:
        for _ in range(300):
            candidate = _candidate(random, ENCODED[name])
            tracemalloc.reset_peak()
            _decoded(name, candidate)
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", range(5))
@pytest.mark.parametrize("count", [2**62, 2**40, 2**32 - 1, LAYOUT.elements + 1])
def test_an_announced_count_is_not_believed(form: int, count: int) -> None:
    for k in (0, 5, 63, 255):
        body = FORM.pack(form, k, 0, 1.0, count) + b"\xff" * 40
        blob = HEADER.pack(b"FASR", 1, NUMBERS["threshold"], 0, LAYOUT.elements, 0) + body
        with pytest.raises(WireError):
            DECODE["golomb-rice"](_sealed(blob))


@pytest.mark.parametrize("threshold", [0.0, -1.0, np.nan, np.inf])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    body = FORM.pack(1, 0, 0, threshold, 1) + struct.pack("<I", 3)
    blob = HEADER.pack(b"FASR", 1, NUMBERS["threshold"], 0, LAYOUT.elements, 0) + body
    with pytest.raises(WireError, match="threshold"):
        DECODE["words"](_sealed(blob))
