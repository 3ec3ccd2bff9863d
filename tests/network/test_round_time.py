import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError
from fedasr.network import Devices, Link, Network, SiloWork, round_seconds
from fedasr.network.topology import ALL_TO_ALL, RING, SERVER, TOPOLOGIES, exchange

SEEDS = np.random.SeedSequence(3)
LINK = Link(8e6, 80e6, latency_seconds=0.5)
WORK = [SiloWork(0, 10.0, 1e6, 1e6), SiloWork(1, 4.0, 8e6, 1e6)]


def test_through_a_server_each_silo_runs_on_its_own() -> None:
    """Silo 0: 0.6 + 10 + 1.5; silo 1: 0.6 + 4 + 8.5, which ends last."""
    time = round_seconds(Network("n", LINK), 1, WORK, SERVER, SEEDS)
    assert time.total == pytest.approx(13.1)
    assert time.compute == 10
    assert time.communication == pytest.approx(3.1)
    assert time.slowest_silo == 1


def test_a_narrow_server_link_bounds_the_round() -> None:
    """2 MB out at 1 MB/s: both start at 2 s. 9 MB in take 9 s, not before the first has finished at 6 s."""
    time = round_seconds(Network("n", LINK, Link(8e6, 8e6, 0.0)), 1, WORK, SERVER, SEEDS)
    assert time.total == pytest.approx(max(2 + 10 + 1.5, 2 + 4 + 8.5, 2 + 4 + 9))


def test_peers_wait_for_the_last_to_compute() -> None:
    network = Network("n", LINK)
    assert round_seconds(network, 1, WORK, ALL_TO_ALL, SEEDS).total == pytest.approx(10 + 8.5)
    assert round_seconds(network, 1, WORK, RING, SEEDS).total == pytest.approx(10 + 2 * (0.5 + 4))


def test_without_a_link_there_is_only_compute() -> None:
    for topology in TOPOLOGIES:
        time = round_seconds(Network("none"), 1, WORK, topology, SEEDS)
        assert (time.total, time.compute, time.communication, time.waiting) == (10, 10, 0, 0)


def test_waiting_grows_with_the_doublings() -> None:
    work = [SiloWork(silo, 10.0, 0, 0) for silo in range(8)]
    time = round_seconds(Network("n", wait_per_doubling=0.05), 1, work, SERVER, SEEDS)
    assert time.waiting == pytest.approx(0.05 * 3 * 10)
    assert time.total == pytest.approx(11.5)


def test_speeds_divide_compute() -> None:
    time = round_seconds(Network("n", devices=Devices(speed=4.0)), 1, WORK, SERVER, SEEDS)
    assert time.total == 2.5


def test_a_silo_that_drops_out_does_its_work_again() -> None:
    work = [SiloWork(silo, 10.0, 0, 0) for silo in range(50)]
    time = round_seconds(Network("n", drop_out=0.5), 1, work, SERVER, SEEDS)
    assert 0 < len(time.repeated) < 50
    assert time.total == 20
    assert time.slowest_silo in time.repeated


def test_deterministic_and_different_in_each_round() -> None:
    devices = Devices("lognormal", sigma=0.5, straggler_share=0.2, straggler_slowdown=5.0)
    network, work = Network("n", LINK, devices=devices, drop_out=0.1), [SiloWork(s, 1.0, 1e5, 1e5) for s in range(20)]
    times = [round_seconds(network, number, work, SERVER, SEEDS) for number in range(20)]
    again = [round_seconds(network, number, work, SERVER, np.random.SeedSequence(3)) for number in range(20)]
    assert times == again
    assert len({time.total for time in times}) > 5
    assert times != [round_seconds(network, n, work, SERVER, np.random.SeedSequence(4)) for n in range(20)]


def test_a_round_of_nobody() -> None:
    assert round_seconds(Network("n", LINK), 1, [], SERVER, SEEDS).total == 0
    with pytest.raises(UserError, match="no such topology"):
        round_seconds(Network("n", LINK), 1, WORK, "star", SEEDS)


@given(st.sampled_from(TOPOLOGIES), st.integers(1, 30), st.floats(0, 1e4), st.floats(1, 1e8), st.floats(1, 1e8))
def test_alike_silos_take_compute_plus_exchange(
    topology: str, silos: int, compute: float, up: float, down: float
) -> None:
    network = Network("n", LINK, Link(1e9, 1e9, 0.001))
    time = round_seconds(network, 1, [SiloWork(n, compute, up, down) for n in range(silos)], topology, SEEDS)
    assert time.total == pytest.approx(compute + exchange(topology, silos, up, down, LINK, network.server_link).seconds)
    assert time.total == pytest.approx(time.compute + time.waiting + time.communication)


@given(
    st.sampled_from(TOPOLOGIES),
    st.lists(st.tuples(st.floats(0, 100), st.floats(1, 1e8), st.floats(1, 1e8)), min_size=1, max_size=8),
    st.integers(0, 7), st.floats(1, 5),
)  # fmt: skip
def test_more_of_anything_is_never_faster(topology: str, parts: list, which: int, more: float) -> None:
    network, which = Network("n", LINK, LINK), which % len(parts)

    def total(factors: tuple[float, float, float]) -> float:
        changed = [
            SiloWork(n, *(v * (f if n == which else 1) for v, f in zip(part, factors, strict=True)))
            for n, part in enumerate(parts)
        ]
        return round_seconds(network, 1, changed, topology, SEEDS).total

    least = total((1, 1, 1)) * (1 - 1e-12)
    for factors in ((more, 1, 1), (1, more, 1), (1, 1, more)):
        assert total(factors) >= least
