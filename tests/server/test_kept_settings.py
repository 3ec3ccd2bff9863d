"""A strategy that asks which of its module's constants an attribute is goes on as it was."""

from dataclasses import dataclass

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
