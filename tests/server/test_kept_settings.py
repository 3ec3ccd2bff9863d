"""What stands in a strategy's module and class: constants stay the objects they are, what a class keeps comes back."""

from dataclasses import dataclass

from flwr.serverapp.strategy import FedAvg

from fedasr.server.strategy_state import restore, state_of


@dataclass(frozen=True)
class Way:
    """A constant of a module."""

    name: str


FAST = Way("fast")


class Choosing:
    def __init__(self) -> None:
        self.way, self.steps = FAST, 0


def test_an_unchanged_constant_stays_the_object_it_is() -> None:
    ended, fresh = Choosing(), Choosing()
    ended.steps = 3
    restore(fresh, state_of(ended, []))
    assert (fresh.way is FAST, fresh.steps) == (True, 3)


def test_a_changed_one_is_restored() -> None:
    ended, fresh = Choosing(), Choosing()
    ended.way = Way("slow")
    restore(fresh, state_of(ended, []))
    assert fresh.way == Way("slow")


class Counting(FedAvg):
    """Keeps its count in the class, as a mistake would."""

    seen: list[int] = []  # noqa: RUF012
    rounds = 0


def test_what_a_class_keeps_comes_back() -> None:
    Counting.seen.append(3)
    Counting.rounds, Counting.more = 2, "x"  # type: ignore[attr-defined]
    state = state_of(Counting())
    Counting.seen, Counting.rounds = [], 0
    del Counting.more  # type: ignore[attr-defined]
    restore(Counting(), state)
    assert (Counting.seen, Counting.rounds, Counting.more) == ([3], 2, "x")  # type: ignore[attr-defined]
