"""Which draws heard the same people."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fedasr.runs.data import PartData, PartitionData, SiloData
from fedasr.runs.publication.circles import Cast, cast_of, circles, crossed

NOBODY = PartData((), 0, 0.0)
CASTS = st.dictionaries(st.integers(1, 6), st.frozensets(st.sampled_from("abcdefgh"), max_size=3).map(Cast), max_size=6)


def partition(silo: str, public: str = "", test: str = "") -> PartitionData:
    parts = {name: PartData(tuple(people), 1, 1.0) for name, people in (("public_labelled", public), ("test", test))}
    return PartitionData(
        "speaker", (SiloData(0, tuple(silo), 1, 1.0),), development=NOBODY, public_unlabelled=NOBODY, **parts
    )


def test_draws_that_share_a_speaker_are_one_circle_through_a_third_too() -> None:
    casts = {1: Cast(frozenset("ab")), 2: Cast(frozenset("cd")), 3: Cast(frozenset("e")), 4: Cast(frozenset("bc"))}
    assert sorted(circles(casts)) == [(1, 2, 4), (3,)]


def test_where_it_is_not_known_who_is_in_a_draw_all_are_together() -> None:
    assert circles({2: Cast(frozenset("a")), 1: None, 3: Cast(frozenset("b"))}) == [(1, 2, 3)]
    assert circles({}) == []


@given(CASTS)
def test_every_draw_is_in_one_circle_and_no_speaker_in_two(casts: dict[int, Cast]) -> None:
    found = circles(casts)
    assert sorted(draw for members in found for draw in members) == sorted(casts)
    for speaker in "abcdefgh":
        assert sum(any(speaker in casts[draw].private for draw in members) for members in found) <= 1


def test_people_of_another_population_are_others_by_the_same_name() -> None:
    own = {draw: cast_of(partition("ab", "c"), f"draw {draw}") for draw in (1, 2)}
    assert circles(own) == [(1,), (2,)]
    one_corpus = {draw: cast_of(partition("ab", "c"), None) for draw in (1, 2)}
    assert circles(one_corpus) == [(1, 2)]


def test_who_is_private_in_one_draw_and_public_or_scored_in_another_is_counted() -> None:
    first, second = cast_of(partition("abc", "d", "e"), None), cast_of(partition("cde", "a", "b"), None)
    assert crossed([first, second]) == len("abde")
    assert crossed([first]) == crossed([first, None]) == 0
    assert crossed([cast_of(partition("ab", "c"), "draw 1"), cast_of(partition("c", "a"), "draw 2")]) == 0
