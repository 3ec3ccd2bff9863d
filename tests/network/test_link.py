from math import inf, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError
from fedasr.network.link import SEGMENT_BYTES, Link

RATES, LATENCIES, LOSSES = st.floats(1e3, 1e11), st.floats(0, 1), st.floats(0, 0.9)
BYTES = st.floats(0, 1e10)


def test_time_is_latency_plus_bytes_over_rate() -> None:
    link = Link(8e6, 80e6, latency_seconds=0.5)
    assert link.seconds(1e6, "up") == 1.5
    assert link.seconds(1e6, "down") == 0.6


def test_nothing_sent_takes_no_time() -> None:
    assert Link(8e6, 8e6, 0.5, message_seconds=0.1).seconds(0, "up") == 0


def test_messages_queue_but_share_the_latency() -> None:
    assert Link(8e6, 8e6, 0.5, message_seconds=0.1).seconds(1e6, "up", messages=10) == pytest.approx(0.5 + 1 + 1)


def test_loss_costs_what_is_sent_again() -> None:
    """Far below Mathis's cap (no round trip, no cap) the rate is 1 − p of the bandwidth."""
    assert Link(8e6, 8e6, 0.0, loss=0.2).seconds(1e6, "up") == pytest.approx(1 / 0.8)


def test_mathis_caps_a_fast_link() -> None:
    """1,460 bytes, 0.1 s round trip, 1% loss: 1460/0.1·sqrt(1.5)/0.1 = 178.8 kB/s, whatever the bandwidth."""
    link = Link(1e12, 1e12, latency_seconds=0.05, loss=0.01)
    assert link.bytes_per_second("down") == pytest.approx(SEGMENT_BYTES / 0.1 * sqrt(1.5) / 0.1)
    assert link.bytes_per_second("down") == pytest.approx(178_812.75, rel=1e-6)


@given(RATES, LATENCIES, LOSSES, BYTES, st.floats(1, 10), st.sampled_from(["up", "down"]))
def test_monotone(rate: float, latency: float, loss: float, size: float, more: float, way: str) -> None:
    seconds = Link(rate, rate, latency, loss).seconds(size, way)
    assert seconds < inf
    assert Link(rate * more, rate * more, latency, loss).seconds(size, way) <= seconds
    assert Link(rate, rate, latency * more, loss).seconds(size, way) >= seconds
    assert Link(rate, rate, latency, min(0.95, loss * more)).seconds(size, way) >= seconds
    assert Link(rate, rate, latency, loss).seconds(size * more, way) >= seconds


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"up_bits_per_second": 0}, "up_bits_per_second"),
        ({"down_bits_per_second": float("nan")}, "down_bits_per_second"),
        ({"latency_seconds": -1}, "latency_seconds"),
        ({"loss": 1.0}, "loss"),
        ({"loss": "much"}, "loss"),
        ({"message_seconds": True}, "message_seconds"),
    ],
)
def test_bad_values_are_refused_by_name(changes: dict, key: str) -> None:
    with pytest.raises(UserError, match=f"^'{key}' must be a (finite )?number") as error:
        Link(**{"up_bits_per_second": 1e6, "down_bits_per_second": 1e6, "latency_seconds": 0.0, **changes})
    assert "\n" not in str(error.value)
