import numpy as np
import pytest

from fedasr.network import ALL_TO_ALL, RING, Devices, Link, Network
from fedasr.network.scaling import MOST_WORKERS, Scaling, Workload, landmarks

LINK = Link(8e9, 8e9, latency_seconds=0.0)  # 1 GB a second
STEP = Workload("gtc", True, ALL_TO_ALL, 1e6, 1e6, compute_seconds=0.1)
BLOCK = Workload("bmuf", False, RING, 100e6, 100e6, compute_seconds=1.0)


def scaling(**changes: object) -> Scaling:
    return Scaling(Network("n", LINK, **changes), np.random.SeedSequence(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [1, 2, 16, 1000, 4096])
def test_closed_forms(workers: int) -> None:
    """All to all, N−1 milliseconds join 100; round the ring, 2(N−1)/N tenths join one second."""
    assert scaling().point(STEP, workers).speedup == pytest.approx(workers * 0.1 / (0.1 + 1e-3 * (workers - 1)))
    ring = 0.2 * (workers - 1) / workers
    assert scaling().point(BLOCK, workers).speedup == pytest.approx(workers / (1 + ring))


def test_one_worker_has_speed_up_one() -> None:
    assert scaling(wait_per_doubling=0.05).point(STEP, 1).speedup == 1


def test_all_to_all_saturates_and_the_ring_goes_on() -> None:
    """The limit of N · 0.1 / (0.1 + 0.001 N) is 100, and half of each worker is left at N = 101."""
    found = scaling()
    assert found.point(STEP, 60_000).speedup == pytest.approx(100, rel=0.01)
    assert found.point(BLOCK, 60_000).efficiency == pytest.approx(1 / 1.2, rel=1e-4)
    marks = landmarks(found, STEP, BLOCK)
    assert marks.step_half == 101
    assert marks.block_half is None
    assert marks.block_useful is None
    assert marks.four_times
    assert marks.gain_at_published == pytest.approx(64 / (1 + 0.2 * 63 / 64) / (16 / 1.15))


def test_the_crossover_is_where_the_closed_forms_cross() -> None:
    """(N−1)/100 > 0.2 (N−1)/N where N > 20."""
    assert landmarks(scaling(), STEP, BLOCK).crossover == 21


def test_the_largest_useful_number_is_where_doubling_gains_a_twentieth() -> None:
    """2(t + m(N−1)) / (t + m(2N−1)) ≥ 1.05 up to N = 939.05."""
    found = landmarks(scaling(), STEP, BLOCK).step_useful
    assert found is not None
    assert found <= 939 < found * 2 ** (1 / 32) + 1


def test_four_times_the_workers_is_not_taken_for_granted() -> None:
    slow_block = Workload("bmuf", False, RING, 1e9, 1e9, compute_seconds=1.0)  # efficiency below a half from N = 2
    marks = landmarks(scaling(), STEP, slow_block)
    assert marks.block_half == 2  # 2 · 1/2 · 1 s of exchange beside 1 s of compute
    assert not marks.four_times


def test_waiting_and_slow_machines_cost_speed() -> None:
    plain = scaling().point(BLOCK, 64).speedup
    assert scaling(wait_per_doubling=0.05).point(BLOCK, 64).speedup == pytest.approx(64 / (1.3 + 0.2 * 63 / 64))
    for devices in (Devices("lognormal", sigma=0.3), Devices(straggler_share=0.1, straggler_slowdown=2.0)):
        assert scaling(devices=devices).point(BLOCK, 64).speedup < plain
    assert scaling(drop_out=0.1).point(BLOCK, 64).speedup < plain


def test_the_slowest_of_more_is_no_faster_and_the_same_every_time() -> None:
    devices = Devices("lognormal", sigma=0.3, straggler_share=0.1, straggler_slowdown=2.0)
    slowness = scaling(devices=devices, drop_out=0.05).slowness
    assert slowness.shape == (MOST_WORKERS,)
    assert (np.diff(slowness) >= 0).all()
    assert (slowness == scaling(devices=devices, drop_out=0.05).slowness).all()


def test_the_same_data_is_divided() -> None:
    work = Workload("w", True, RING, 0, 0, compute_seconds=2.0, exchanges=100)
    assert scaling().point(work, 10).seconds == pytest.approx(20)


def test_equal_rows_do_not_overtake_each_other() -> None:
    twin = Workload("twin", False, STEP.topology, STEP.up_bytes, STEP.down_bytes, STEP.compute_seconds)
    marks = landmarks(scaling(), STEP, twin)
    assert marks.crossover is None
    assert not marks.four_times


def test_where_no_number_is_efficient_nobody_carries_four_times_as_many() -> None:
    slow = Devices(straggler_share=1.0, straggler_slowdown=3.0)
    marks = landmarks(scaling(devices=slow), STEP, BLOCK)
    assert (marks.step_half, marks.block_half, marks.four_times) == (0, 0, False)
