import pytest

from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Outcome, Request
from fedasr.messages.kinds import TRAIN
from fedasr.messages.traffic import Traffic
from fedasr.network import Link, Network, build_network
from fedasr.server.round_clock import Clock

STREAMS = Streams(1)


def _round(silos: int, up: int = 1000, audio_seconds: float | None = 20.0) -> list[Traffic]:
    down = [Traffic(1, silo, "down", "train", 2000, 0) for silo in range(silos)]
    return [*down, *(Traffic(1, silo, "up", "train", up, 0, audio_seconds) for silo in range(silos))]


def test_without_links_a_round_takes_what_the_slowest_silo_computes() -> None:
    clock = Clock(build_network("none"), 0.5, STREAMS)
    traffic = [*_round(3), Traffic(1, 3, "up", "train", 5, 0, 60.0)]
    found = clock.round(1, traffic, [])
    assert (found.seconds, found.communication_seconds) == (30.0, 0.0)


def test_links_add_their_transfers() -> None:
    link = Link(8_000, 16_000, latency_seconds=0.0)
    found = Clock(Network("slow", link), 0.5, STREAMS).round(1, _round(2), [])
    assert found.communication_seconds == pytest.approx(2000 * 8 / 16_000 + 1000 * 8 / 8_000)
    assert found.seconds == pytest.approx(10 + found.communication_seconds)


def test_the_centre_computes_after_the_messages() -> None:
    clock = Clock(build_network("none"), 0.5, STREAMS)
    assert clock.round(1, [], [], central_audio_seconds=100.0).seconds == 50.0
    assert clock.round(1, _round(1), [], 100.0).seconds == 60.0


def test_who_does_not_say_what_it_read_costs_the_time_it_took() -> None:
    outcomes = [Outcome(Request(0, 0, TRAIN, 0), None, None, cpu_seconds=7.0)]
    clock = Clock(build_network("none"), 0.5, STREAMS)
    assert clock.round(1, _round(1, audio_seconds=None), outcomes).seconds == 7.0
    query = [Traffic(1, 0, "up", "query.speech", 1000, 0)]
    assert clock.round(1, query, outcomes).seconds == 0.0


def test_silos_that_dropped_out_delay_nobody() -> None:
    clock = Clock(build_network("phones-4g"), 0.5, STREAMS)
    absent = [Traffic(1, 9, "down", "train", 10**12, 0)]
    assert clock.round(1, [*_round(1), *absent], []) == clock.round(1, _round(1), [])
