"""A SuperLink takes objects of Flower's own classes alone: what we send must look like them, byte for byte."""

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord

from fedasr.messages.records import array_record


@pytest.mark.parametrize(
    "array", [np.arange(6, dtype=np.float16).reshape(2, 3), np.zeros(0), np.array(3), np.ones(2, "?")]
)
def test_an_array_travels_through_flower_as_its_own(array: np.ndarray) -> None:
    ours, theirs = array_record({"a": array}), ArrayRecord({"a": Array(array)})
    assert ours["a"].deflate() == theirs["a"].deflate()
    assert ours["a"].object_id == theirs["a"].object_id
    assert ours.object_id == theirs.object_id
