import numpy as np
import pytest

from fedasr.network import published
from fedasr.network.published import FITTED_ON, PUBLISHED, Calibration, calibration, fit, prediction_table


def test_predicts_what_it_was_not_fitted_on() -> None:
    held_out = [p for p in prediction_table() if not p.fitted]
    assert {(p.method, p.workers) for p in held_out} == {("BMUF", 16), ("BMUF", 32), ("BMUF", 64), ("1-bit SGD", 16)}
    assert np.mean([abs(p.predicted / p.published - 1) for p in held_out]) <= 0.15
    assert published.mean_absolute_error() == pytest.approx(0.1129, abs=5e-4)


def test_the_fit_sees_4_and_8_workers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = {m: {n: s if n in (4, 8) else 1.0 for n, s in curve.items()} for m, curve in PUBLISHED.items()}
    assert FITTED_ON == (4, 8)
    before = calibration()
    monkeypatch.setattr(published, "PUBLISHED", spoilt)
    assert calibration.__wrapped__() == before


def test_golden_constants() -> None:
    found = calibration()
    assert found.wait_per_doubling == pytest.approx(0.0486, abs=5e-5)
    assert found.exchange == pytest.approx({"BMUF": 0.0, "1-bit SGD": 0.1989}, abs=5e-5)


def test_the_fit_recovers_a_model_of_its_own_kind() -> None:
    true = Calibration(0.03, {"BMUF": 0.02, "1-bit SGD": 0.4})
    points = {m: {n: true.speedup(m, n) for n in (4, 8)} for m in PUBLISHED}
    found = fit(points)
    assert found.wait_per_doubling == pytest.approx(0.03)
    assert found.exchange == pytest.approx(true.exchange)


def test_one_worker_is_one_worker() -> None:
    assert calibration().speedup("BMUF", 1) == 1
    assert calibration().speedup("1-bit SGD", 1) == 1
