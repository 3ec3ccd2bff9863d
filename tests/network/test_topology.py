import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError
from fedasr.network.link import Link
from fedasr.network.topology import ALL_TO_ALL, RING, SERVER, TOPOLOGIES, all_to_all_seconds, exchange

LINK = Link(8e6, 80e6, latency_seconds=0.5)


def test_a_server_waits_for_the_slowest_client() -> None:
    cost = exchange(SERVER, 4, 1e6, 2e6, LINK)
    assert (cost.up_bytes, cost.down_bytes, cost.messages) == (1e6, 2e6, 8)
    assert cost.seconds == pytest.approx((0.5 + 1) + (0.5 + 0.2))


def test_a_servers_link_is_shared() -> None:
    """100 MB come in over 8 Mb/s: 100 s, far beyond each client's own second; 200 MB go out in 200 s."""
    shared = Link(8e6, 8e6, latency_seconds=0.0)
    assert exchange(SERVER, 100, 1e6, 2e6, LINK, shared).seconds == pytest.approx(100 + 200)


def test_a_wide_server_link_changes_nothing() -> None:
    wide = Link(1e15, 1e15, latency_seconds=0.0)
    assert exchange(SERVER, 4, 1e6, 2e6, LINK, wide) == exchange(SERVER, 4, 1e6, 2e6, LINK)


def test_all_to_all_sends_to_each_other_worker() -> None:
    cost = exchange(ALL_TO_ALL, 5, 1e6, 123.0, LINK)
    assert (cost.up_bytes, cost.down_bytes, cost.messages) == (4e6, 4e6, 20)
    assert cost.seconds == pytest.approx(0.5 + 4)  # the uplink is the slower way


def test_all_to_all_of_unlike_blobs() -> None:
    """The largest is sent three times: 9 MB at 1 MB/s; receiving 5 MB at 10 MB/s hides behind it."""
    assert all_to_all_seconds(LINK, [1e6, 1e6, 1e6, 3e6]) == pytest.approx(0.5 + 9)


def test_a_ring_moves_two_shares_of_each_vector() -> None:
    cost = exchange(RING, 4, 1e6, 123.0, LINK)
    assert cost.up_bytes == cost.down_bytes == 2 * 3 / 4 * 1e6
    assert cost.messages == 2 * 4 * 3
    assert cost.seconds == pytest.approx(6 * (0.5 + 0.25))


@given(st.integers(2, 5000))
def test_a_rings_bytes_stay_below_twice_the_vector(workers: int) -> None:
    assert 1e6 <= exchange(RING, workers, 1e6, 0, LINK).up_bytes < 2e6


@pytest.mark.parametrize("topology", [ALL_TO_ALL, RING])
def test_one_worker_has_nobody_to_tell(topology: str) -> None:
    cost = exchange(topology, 1, 1e6, 1e6, LINK)
    assert (cost.up_bytes, cost.messages, cost.seconds) == (0, 0, 0)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_what_goes_up_comes_down_and_no_link_takes_no_time(topology: str) -> None:
    cost = exchange(topology, 7, 1e6, 1e6, None)
    assert cost.seconds == 0
    assert cost.up_bytes == cost.down_bytes > 0


@given(
    st.sampled_from(TOPOLOGIES), st.integers(1, 200), st.floats(1, 1e9), st.floats(1e3, 1e11), st.floats(0, 1),
    st.floats(1, 5),
)  # fmt: skip
def test_monotone(topology: str, workers: int, size: float, rate: float, latency: float, more: float) -> None:
    def seconds(workers: int = workers, size: float = size, rate: float = rate, latency: float = latency) -> float:
        link = Link(rate, rate, latency)
        return exchange(topology, workers, size, size, link, link).seconds

    least = seconds() * (1 - 1e-12)
    assert seconds(workers=workers + 1) >= least
    assert seconds(size=size * more) >= least
    assert seconds(latency=latency * more) >= least
    assert seconds(rate=rate / more) >= least


def test_unknown_topologies_and_no_workers() -> None:
    with pytest.raises(UserError, match="did you mean 'ring'"):
        exchange("rings", 4, 1, 1, LINK)
    with pytest.raises(UserError, match="at least 1"):
        exchange(RING, 0, 1, 1, LINK)
