import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.word_errors import ErrorCounts, by_speaker, count_errors, total

KNOWN = [
    ("the cat sat", "the cat sat", (0, 0, 0, 3)),
    ("the cat sat", "the bat sat", (0, 0, 1, 3)),
    ("the cat sat", "the sat", (0, 1, 0, 3)),
    ("the cat sat", "the black cat sat", (1, 0, 0, 3)),
    ("the cat sat", "", (0, 3, 0, 3)),
    ("", "the cat", (2, 0, 0, 0)),
    ("one", "one two three", (2, 0, 0, 1)),
    ("a b c d", "b c d e", (1, 1, 0, 4)),
]


@pytest.mark.parametrize(("reference", "hypothesis", "expected"), KNOWN)
def test_known_cases(reference: str, hypothesis: str, expected: tuple[int, ...]) -> None:
    found = count_errors(reference, hypothesis)
    assert (found.insertions, found.deletions, found.substitutions, found.words) == expected


def test_characters_are_counted_with_their_spaces() -> None:
    found = count_errors("ab cd", "ab cx")
    assert (found.character_errors, found.characters) == (1, 5)
    assert found.cer == pytest.approx(0.2)


@pytest.mark.parametrize(("hypothesis", "errors"), [("", 0), ("ab", 2), ("the cat", 7)])
def test_characters_heard_where_nobody_spoke_are_errors(hypothesis: str, errors: int) -> None:
    found = count_errors("", hypothesis)
    assert (found.character_errors, found.characters) == (errors, 0)
    assert (total([found, count_errors("abcd", "abcd")])).cer == errors / 4


words = st.lists(st.sampled_from(["a", "b", "c"]), max_size=6)


def _distance(reference: list[str], hypothesis: list[str]) -> int:
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(hypothesis, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


@given(words, words)
def test_errors_are_the_edit_distance(reference: list[str], hypothesis: list[str]) -> None:
    found = count_errors(" ".join(reference), " ".join(hypothesis))
    assert found.errors == _distance(reference, hypothesis)
    assert found.words == len(reference)
    assert found.insertions - found.deletions == len(hypothesis) - len(reference)


def test_rates_are_of_the_sums_not_means_of_rates() -> None:
    counts = [count_errors("a", "b"), count_errors("a b c", "a b c")]
    assert total(counts).wer == pytest.approx(0.25)
    assert total([]).wer == 0
    assert total([]) == ErrorCounts()


def test_speakers_are_summed_and_sorted() -> None:
    found = by_speaker(["b", "a", "b"], [count_errors("x", "x"), count_errors("x", "y"), count_errors("x y", "x")])
    assert list(found) == ["a", "b"]
    assert found["b"].words == 3
    assert found["b"].deletions == 1
