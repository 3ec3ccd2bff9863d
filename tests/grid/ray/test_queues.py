"""Who does which job next, without Ray: a clock that jumps from one event to the next."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.grid.ray.queues import PIECE_SECONDS, Job, Queues


def _worked(
    queues: Queues, actors: int, seconds: Callable[[Job], float], a_piece: float = 0.0
) -> tuple[float, list[tuple[int, list[Job]]]]:
    """Let actors work off queues; return when the last is done, and who did what."""
    pieces: list[tuple[int, list[Job]]] = []
    events = [(0.0, place, 0.0, 0) for place in range(actors)]
    idle: set[int] = set()
    now = 0.0
    while events:
        now, place, took, count = heapq.heappop(events)
        if count:
            queues.took(took, count)
        for free in sorted({place, *idle}):
            jobs = queues.next(free)
            idle.discard(free)
            if jobs:
                pieces.append((free, jobs))
                took = a_piece + sum(map(seconds, jobs))
                heapq.heappush(events, (now + took, free, took, len(jobs)))
            else:
                idle.add(free)
    return now, pieces


def _jobs(*counts: int, pinned: bool = False) -> list[list[Job]]:
    return [[Job((place, number), pinned) for number in range(count)] for place, count in enumerate(counts)]


def _done(pieces: Sequence[tuple[int, list[Job]]]) -> list[tuple[int, int]]:
    return [job.item for _, jobs in pieces for job in jobs]


@given(
    counts=st.lists(st.integers(0, 30), min_size=1, max_size=5), seconds=st.floats(1e-4, 10),
    known=st.none() | st.floats(1e-5, 10),
)  # fmt: skip
def test_every_job_is_done_once(counts: list[int], seconds: float, known: float | None) -> None:
    queues = Queues(_jobs(*counts), job_seconds=known)
    _, pieces = _worked(queues, len(counts), lambda job: seconds * (1 + job.item[1] % 3))
    assert sorted(_done(pieces)) == sorted(job.item for queue in _jobs(*counts) for job in queue)
    assert len(queues) == 0


@pytest.mark.parametrize("seconds", [0.2, 1.0, 60.0])
@pytest.mark.parametrize("queues", [_jobs(*[4] * 12, *[3] * 4), _jobs(60, *[0] * 15), _jobs(*[5] * 12, *[0] * 4)])
def test_sixty_sleeping_silos_keep_sixteen_workers_busy(queues: list[list[Job]], seconds: float) -> None:
    """However they were divided; sending a piece takes two thousandths of a second."""
    lasted, _ = _worked(Queues(queues), 16, lambda job: seconds, a_piece=0.002)
    assert 60 * seconds / (16 * lasted) >= 0.9


@given(st.lists(st.floats(0.5, 1.5), min_size=60, max_size=60))
def test_nobody_waits_longer_than_for_the_last_job_of_another(durations: list[float]) -> None:
    """What can be said of any order in which nobody knows what a job will take (Graham 1966)."""
    jobs = [[Job(durations[4 * place + number]) for number in range(4)] for place in range(15)]
    lasted, _ = _worked(Queues([*jobs, []]), 16, lambda job: float(job.item))
    assert lasted <= sum(durations) / 16 + max(durations)


def test_long_jobs_go_out_one_by_one_and_short_ones_in_few_pieces() -> None:
    _, long = _worked(Queues(_jobs(8, 8), job_seconds=5.0), 2, lambda job: 5.0)
    assert max(len(jobs) for _, jobs in long) <= 2
    _, short = _worked(Queues(_jobs(500, 500), job_seconds=1e-4), 2, lambda job: 1e-4, a_piece=1e-3)
    assert len(short) <= 25
    assert min(len(jobs) for _, jobs in short[:-2]) >= 0.5 * PIECE_SECONDS / 1e-3


def test_what_only_its_actor_can_do_stays_with_it() -> None:
    queues = Queues([_jobs(9, pinned=True)[0], [], _jobs(2)[0]])
    _, pieces = _worked(queues, 3, lambda job: 1.0)
    assert {place for place, jobs in pieces for job in jobs if job.is_pinned} == {0}
    assert len(_done(pieces)) == 11


@pytest.mark.parametrize(("steal_seconds", "helps"), [(0.0, True), (3.5, True), (100.0, False)])
def test_help_that_costs_more_than_the_work_is_not_given(steal_seconds: float, helps: bool) -> None:
    """Of eight jobs of a second; the other actor has one of its own."""
    queues = Queues([_jobs(8)[0], [Job("own")]], steal_seconds, job_seconds=1.0)
    _, pieces = _worked(queues, 2, lambda job: 1.0)
    assert any(place == 1 and job.item != "own" for place, jobs in pieces for job in jobs) == helps


def test_neighbours_stay_together() -> None:
    """Sums of neighbours are one sum: who helps takes the end of a queue, in order."""
    _, pieces = _worked(Queues(_jobs(64, 0), job_seconds=1.0), 2, lambda job: 1.0)
    done = [[job.item[1] for place, jobs in pieces for job in jobs if place == actor] for actor in (0, 1)]
    runs = [sum(b != a + 1 for a, b in itertools.pairwise(numbers)) for numbers in done]
    assert runs[0] == 0
    assert runs[1] <= 4


def test_jobs_come_back_first_and_in_order() -> None:
    queues = Queues(_jobs(4, 0), steal_seconds=1e9)
    taken = queues.next(0) + queues.next(0)
    queues.again(0, taken)
    assert [job.item[1] for _ in range(4) for job in queues.next(0)] == [0, 1, 2, 3]
    assert len(queues) == 0
    assert queues.next(0) == []


def test_a_job_that_may_hang_is_handed_out_by_itself() -> None:
    first, second, third, *others = _jobs(9)[0]
    suspects = [replace(first, is_alone=True), replace(third, is_alone=True)]
    queues = Queues([[suspects[0], second, suspects[1], *others]], job_seconds=1e-6)
    assert [len(queues.next(0)) for _ in range(4)] == [1, 1, 1, 6]
