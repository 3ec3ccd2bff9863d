import json
from pathlib import Path

import numpy as np
import pytest

from fedasr.asr.recogniser import digest
from fedasr.common.files import save_arrays
from fedasr.protection.release_digest import digest_of
from fedasr.verification.tensors import read_tensors, release_digest, weights_digest

ARRAYS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3).T, "a": np.array([1.5], np.float64), "scalar": np.float32(2),
    "empty": np.zeros((0, 4), np.float32), "counts": np.array([1, -2], np.int64),
}  # fmt: skip


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    save_arrays(tmp_path / "x.safetensors", ARRAYS, {"draw": "7f"})
    return tmp_path / "x.safetensors"


def test_digests_are_those_of_the_arrays_that_were_stored(stored: Path) -> None:
    found = read_tensors(stored)
    assert weights_digest(found.tensors) == digest(ARRAYS)
    assert release_digest(found.tensors, "7f") == digest_of(ARRAYS, "7f")
    assert found.description["draw"] == "7f"


def test_arrays_come_back(stored: Path) -> None:
    found = read_tensors(stored).tensors
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name].array(), array)


def test_a_file_that_is_cut_off_is_refused(stored: Path) -> None:
    whole = stored.read_bytes()
    for length in (0, 4, 40, len(whole) - 1):
        stored.write_bytes(whole[:length])
        with pytest.raises((ValueError, KeyError)):
            read_tensors(stored)


def test_a_header_whose_shape_is_not_its_bytes_is_refused(stored: Path) -> None:
    content = stored.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["counts"]["shape"] = [3]
    text = json.dumps(header).encode().ljust(length)
    stored.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    with pytest.raises(ValueError, match="reshape"):
        read_tensors(stored)
