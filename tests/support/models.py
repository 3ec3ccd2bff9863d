"""Small messages, and codecs with settings that exercise every branch, for the tests of this folder."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedasr.wire.codec import Arrays, State
from fedasr.wire.codecs.dense import Dense
from fedasr.wire.codecs.half import Half
from fedasr.wire.codecs.int8 import Int8
from fedasr.wire.codecs.powersgd import PowerSGD
from fedasr.wire.codecs.sign import Sign
from fedasr.wire.codecs.threshold import Threshold
from fedasr.wire.codecs.top_k import TopK

LOSSY = {
    "fp16": Half(),
    "int8": Int8(),
    "sign": Sign(),
    "top-k": TopK(density=0.2),
    "powersgd": PowerSGD(rank=1),
    "golomb-rice": Threshold(density=0.2, form="golomb-rice"),
    "words": Threshold(tau=1.0, form="words"),
    "map": Threshold(band=(0.1, 0.3), form="map"),
    "clipped": Threshold(density=0.1, residual_clip=2.0),
}
ALL = {"dense": Dense(), **LOSSY}

messages = st.dictionaries(
    st.text(min_size=1, max_size=4),
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6),
        elements=st.floats(-1000, 1000, width=32),
    ),
    max_size=4,
)


def message(seed: int = 0, scale: float = 1.0) -> dict[str, np.ndarray]:
    """Return one message with a matrix, a vector, a scalar, an empty array and a tensor of three dimensions."""
    random = np.random.default_rng(seed)
    shapes = {"w": (6, 5), "b": (7,), "s": (), "e": (0, 3), "t": (4, 2, 3)}
    return {name: np.asarray(scale * random.standard_normal(shape), np.float32) for name, shape in shapes.items()}


def largest_part(arrays: Arrays, state: State) -> float:
    """Return the largest sum of what a step's sender adds up: a value, what waits and what is thrown away."""
    parts = [flat(arrays), state.get("residual"), state.get("discarded")]
    return float(sum(np.abs(part).max(initial=0) for part in parts if part is not None))


def flat(arrays: Arrays) -> np.ndarray:
    """Return all values in order."""
    return np.concatenate([np.empty(0, np.float32), *(np.ravel(array) for array in arrays.values())])


def same_bits(left: Arrays, right: Arrays) -> bool:
    """Return whether names, shapes and bits are the same."""
    return list(left) == list(right) and all(
        np.shape(left[name]) == np.shape(right[name]) and np.asarray(left[name]).tobytes() == right[name].tobytes()
        for name in left
    )
