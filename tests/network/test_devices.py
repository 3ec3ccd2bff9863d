import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tolerance import of_a_deviation, of_a_mean, of_a_share

from fedasr.common.errors import UserError
from fedasr.network.devices import Devices, child, dropped

SEEDS = np.random.SeedSequence(7)


def test_fixed_speed() -> None:
    assert Devices(speed=3.0).speeds(SEEDS, 4).tolist() == [3.0] * 4


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_silos_speed_and_fate_do_not_depend_on_the_others(few: int, more: int) -> None:
    devices = Devices("lognormal", speed=2.0, sigma=0.7, straggler_share=0.3, straggler_slowdown=4.0)
    both = few + more
    assert (devices.speeds(SEEDS, both)[:few] == devices.speeds(SEEDS, few)).all()
    assert (devices.slowdowns(SEEDS, both)[:few] == devices.slowdowns(SEEDS, few)).all()
    of_all = dropped(SEEDS, range(both), 0.5)
    assert dropped(SEEDS, range(few), 0.5) == {silo for silo in of_all if silo < few}
    assert dropped(SEEDS, [both - 1], 0.5) == {silo for silo in of_all if silo == both - 1}


def test_lognormal_has_its_median_and_spread() -> None:
    logs = np.log(Devices("lognormal", speed=2.0, sigma=0.5).speeds(SEEDS, 20_000))
    # The median of a normal sample is off by √(π/2) times what its mean is.
    assert np.median(logs) == pytest.approx(np.log(2), abs=of_a_mean(0.5 * math.sqrt(math.pi / 2), 20_000))
    assert logs.std() == pytest.approx(0.5, rel=of_a_deviation(20_000))


def test_stragglers_are_the_share_asked_for_and_change_with_the_round() -> None:
    devices = Devices(straggler_share=0.25, straggler_slowdown=3.0)
    rounds = [devices.slowdowns(child(SEEDS, 1, number), 10_000) for number in range(2)]
    assert set(rounds[0]) == {1.0, 3.0}
    assert (rounds[0] == 3).mean() == pytest.approx(0.25, abs=of_a_share(0.25, 10_000))
    assert (rounds[0] != rounds[1]).any()
    assert (devices.slowdowns(child(SEEDS, 1, 0), 10_000) == rounds[0]).all()


def test_drop_outs_are_the_share_asked_for() -> None:
    assert len(dropped(SEEDS, range(10_000), 0.1)) / 10_000 == pytest.approx(0.1, abs=of_a_share(0.1, 10_000))
    assert dropped(SEEDS, range(100), 0.0) == set()


@pytest.mark.parametrize("text", ["[1, 2, 0.5]", "1,2,0.5", "1\n2\n0.5\n"])
def test_factors_from_a_file_go_round(tmp_path: Path, text: str) -> None:
    path = tmp_path / "speeds"
    path.write_text(text)
    devices = Devices("file", speed=2.0, path=str(path))
    assert devices.speeds(SEEDS, 5).tolist() == [2, 4, 1, 2, 4]
    assert devices.median_speed() == 2.0


@pytest.mark.parametrize("text", ["", "[]", "[1, 0]", "1,fast", "[1, [2]]", "[1", "inf"])
def test_bad_files_are_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "speeds"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        Devices("file", path=str(path)).speeds(SEEDS, 2)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "fields",
    [{"kind": "quick"}, {"speed": 0}, {"sigma": -1}, {"straggler_share": 2}, {"straggler_slowdown": 0.5},
     {"kind": "file"}, {"path": "speeds.json"}],
)  # fmt: skip
def test_bad_settings_are_refused(fields: dict) -> None:
    with pytest.raises(UserError):
        Devices(**fields)
