import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import RowError, UserError
from fedasr.common.files import load_arrays, save_arrays, write_json, write_lines
from fedasr.common.strict_json import DamagedError, in_numbers, in_words, parsed, sealed, strict, unsealed

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
records = st.dictionaries(st.text(), values, max_size=4).filter(lambda record: "seal" not in record)


@given(record=records)
def test_a_sealed_record_comes_back(record: dict[str, Any]) -> None:
    assert parsed(strict(sealed(record))) == record
    assert unsealed(record) == record


@given(record=records, other=records)
def test_another_record_does_not_fit_the_seal(record: dict[str, Any], other: dict[str, Any]) -> None:
    if json.dumps(record, sort_keys=True) != json.dumps(other, sort_keys=True):
        with pytest.raises(DamagedError):
            unsealed({**other, "seal": sealed(record)["seal"]})


@given(settings=st.recursive(
    st.floats(allow_nan=False) | st.integers() | st.booleans() | st.sampled_from(["", "inf", "ctc.*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
))  # fmt: skip
def test_infinite_settings_come_back(settings: Any) -> None:
    assert in_numbers(json.loads(strict(in_words(settings)))) == settings


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_named(bad: float, tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"'rounds\[1\].loss' is (nan|-?inf), which is no result"):
        strict({"name": "a", "rounds": [{"loss": 1.0}, {"loss": bad}]})
    for write, data in ((write_json, {"wer": bad}), (write_lines, [{"wer": bad}])):
        with pytest.raises(RowError, match="'wer' is"):
            write(tmp_path / "x", data)  # type: ignore[operator]
        assert not (tmp_path / "x").exists()


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_flipped_bit_of_arrays_passes(place: int, bit: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("arrays") / "x.safetensors"
    arrays = {"a": np.arange(6, dtype=np.float32), "b": np.ones((2, 2), np.int64)}
    save_arrays(path, arrays, {"round": 3})
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    told, found, about = "", {}, {}
    try:
        found, about = load_arrays(path)
    except UserError as error:
        told = str(error)
    if about:  # the name of the digest itself was hit: nothing says then that there was one
        assert about["round"] == 3
        assert all(np.array_equal(found[name], array) for name, array in arrays.items())
    assert "corrupt" in told or about
