import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedasr.wire.codec import Layout, WireError
from fedasr.wire.codecs.dense import Dense
from fedasr.wire.header import HEADER

arrays = st.dictionaries(
    st.text(min_size=1, max_size=8),
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)),
    max_size=4,
)


def _model() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {"w": random.standard_normal((3, 4)).astype(np.float32), "b": np.float32([1, -0.0, np.nan, np.inf])}


def _encoded(model: dict[str, np.ndarray]) -> bytes:
    return Dense().encode(model, {})[0]


@given(arrays)
def test_every_bit_comes_back(model: dict[str, np.ndarray]) -> None:
    decoded = Dense().decode(_encoded(model), Layout.of(model))
    assert list(decoded) == list(model)
    for name, array in model.items():
        assert decoded[name].shape == array.shape
        assert decoded[name].tobytes() == array.tobytes()


@given(arrays)
def test_deliver_does_what_the_wire_would_do(model: dict[str, np.ndarray]) -> None:
    delivery, blob = Dense().deliver(model, {}), _encoded(model)
    assert delivery.blob_bytes == len(blob)
    assert not delivery.state
    for name, array in Dense().decode(blob, Layout.of(model)).items():
        assert np.asarray(delivery.arrays[name]).tobytes() == array.tobytes()


def test_the_blob_is_what_the_format_says() -> None:
    model = {"a": np.float32([1, 2]), "b": np.float32([[3]])}
    body = struct.pack("<3f", 1, 2, 3)
    assert _encoded(model) == b"FASR\x01\x01\x00\x00" + struct.pack("<QI", 3, zlib.crc32(body)) + body


def test_other_memory_orders_travel_as_the_same_bytes() -> None:
    plain = np.arange(12, dtype=np.float32).reshape(3, 4)
    for other in (np.asfortranarray(plain), plain.astype(">f4"), np.repeat(plain, 2, 1)[:, ::2]):
        assert _encoded({"w": other}) == _encoded({"w": plain})


def test_every_truncation_is_refused() -> None:
    blob, layout = _encoded(_model()), Layout.of(_model())
    for length in range(len(blob)):
        with pytest.raises(WireError):
            Dense().decode(blob[:length], layout)


def test_every_flipped_bit_is_refused() -> None:
    blob, layout = _encoded(_model()), Layout.of(_model())
    for bit in range(8 * len(blob)):
        broken = bytearray(blob)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(WireError):
            Dense().decode(bytes(broken), layout)


def test_noise_of_every_length_is_refused() -> None:
    random, layout, blob = np.random.default_rng(1), Layout.of(_model()), _encoded(_model())
    for _ in range(3000):
        noise = random.bytes(int(random.integers(0, 200)))
        for broken in (noise, blob[: HEADER.size] + noise, blob + noise + b"\0"):
            with pytest.raises(WireError):
                Dense().decode(broken, layout)


def test_an_announced_size_is_not_believed() -> None:
    """A header that promises terabytes must be refused before anything is allocated for it."""
    blob = struct.pack("<4sBBHQI", b"FASR", 1, 1, 0, 2**62, 0)
    with pytest.raises(WireError, match=str(2**62)):
        Dense().decode(blob, Layout.of(_model()))


def test_another_layout_is_refused() -> None:
    blob = _encoded(_model())
    with pytest.raises(WireError, match="layout"):
        Dense().decode(blob, Layout(("w",), ((3, 4),)))


def test_a_layout_splits_only_what_fits() -> None:
    layout = Layout(("a", "b", "c"), ((2,), (), (0, 3)))
    assert layout.elements == 3
    parts = layout.split(np.float32([1, 2, 3]))
    assert parts["a"].tolist() == [1, 2]
    assert parts["b"] == 3
    assert parts["c"].shape == (0, 3)
    with pytest.raises(WireError, match="2 values"):
        layout.split(np.float32([1, 2]))
