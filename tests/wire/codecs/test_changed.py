import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.models import message, same_bits

from fedasr.wire.codec import WireError
from fedasr.wire.codecs.changed import changed_size, decode_changed, encode_changed


def _pair(bits: np.ndarray, share: float, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    new = np.where(random.random(bits.size) < share, random.integers(0, 2**32, bits.size, np.uint32), bits)
    cut = bits.size // 3
    return tuple(
        {"a": values[:cut].view(np.float32), "b": values[cut:].view(np.float32)} for values in (new.astype("u4"), bits)
    )


@given(hnp.arrays(np.uint32, st.integers(0, 200)), st.floats(0, 1), st.integers(0, 1000))
def test_every_bit_comes_back_and_the_size_is_known(bits: np.ndarray, share: float, seed: int) -> None:
    arrays, base = _pair(bits, share, seed)
    blob = encode_changed(arrays, base)
    assert changed_size(arrays, base) == len(blob)
    assert len(blob) <= 36 + 4 * bits.size
    assert same_bits(decode_changed(blob, base), arrays)


def test_zeros_of_other_signs_and_other_nans_are_changes() -> None:
    base = {"w": np.uint32([0, 0x7FC00000, 0x7FC00000]).view(np.float32)}
    arrays = {"w": np.uint32([0x80000000, 0x7FC00001, 0x7FC00000]).view(np.float32)}
    assert same_bits(decode_changed(encode_changed(arrays, base), base), arrays)


def test_nothing_changed_is_two_headers() -> None:
    assert len(encode_changed(message(), message())) == 36


def test_few_changes_are_few_bytes() -> None:
    base = {"w": np.zeros(100_000, np.float32)}
    arrays = {"w": base["w"].copy()}
    arrays["w"][::1000] = 1
    blob = encode_changed(arrays, base)
    assert 400 < len(blob) < 36 + 100 * (4 + 12 / 8)
    assert same_bits(decode_changed(blob, base), arrays)


def test_another_base_is_refused() -> None:
    blob, other = encode_changed(message(1), message(0)), message(0)
    other["b"][3] += 1
    with pytest.raises(WireError, match="another base"):
        decode_changed(blob, other)


def test_another_layout_is_refused() -> None:
    for other in ({}, {"w": np.zeros((5, 6), np.float32)}):
        for size in (changed_size, encode_changed):
            with pytest.raises(WireError, match="shapes"):
                size(other, {"w": np.zeros((6, 5), np.float32)})


def test_the_base_is_not_written_to() -> None:
    base = message(0)
    decode_changed(encode_changed(message(1), base), base)["w"][:] = 7
    near = message(0)
    near["w"][0, 0] += 1
    decode_changed(encode_changed(near, base), base)["w"][:] = 7
    assert same_bits(base, message(0))
