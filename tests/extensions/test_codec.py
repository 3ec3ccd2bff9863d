from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.running import tiny_table

import fedasr
from fedasr.experiment.experiment import Experiment
from fedasr.wire.codec import Layout, WireError
from fedasr.wire.codecs_by_name import CODECS, build_codec
from fedasr.wire.header import seal, unseal

from .conftest import Install


@pytest.fixture
def codec(install: Install) -> str:
    install("codec.py", CODECS.group, "upper-half", "UpperHalf")
    return "upper-half"


def test_a_codec_of_another_package_keeps_what_it_says(codec: str) -> None:
    found = build_codec(codec, {})
    arrays = {"a": np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4), "b": np.float32([1 / 3])}
    blob, state = found.encode(arrays, {})
    decoded = found.decode(blob, Layout.of(arrays))
    for name, array in arrays.items():
        assert np.abs(decoded[name] - array).max() <= np.abs(array).max() * 2**-7  # eight bits of mantissa
    sent = np.concatenate([part.reshape(-1) for part in decoded.values()])
    given = np.concatenate([part.reshape(-1) for part in arrays.values()])
    np.testing.assert_array_equal(sent + state["residual"], given)
    with pytest.raises(WireError):
        build_codec("fp16", {}).decode(blob, Layout.of(arrays))


def test_two_foreign_codecs_do_not_read_each_other() -> None:
    layout = Layout(("a",), ((0,),))
    with pytest.raises(WireError, match="not a theirs blob"):
        unseal(seal("ours", 0, []), "theirs", layout)


@pytest.mark.parametrize("grid", ["process", "ray"])
def test_rows_travel_by_it_half_as_heavy(codec: str, grid: str, tmp_path: Path) -> None:
    rows = [{"name": name, "strategy": "fedavg", "codec": name} for name in ("dense", codec)]
    table = tiny_table(compare=rows)
    dense, half = fedasr.run(Experiment.from_table(table), out=tmp_path / "run", grid=grid).rows
    assert (dense["failure"], half["failure"], half["codec"]) == (None, None, codec)
    assert 0.5 < half["uplink_bytes"] / dense["uplink_bytes"] < 0.55
