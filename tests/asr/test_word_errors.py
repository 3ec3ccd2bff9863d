import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.word_errors import ErrorCounts, by_speaker, count_errors, paired_ratio_interval, total, wer_interval

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


def _speakers(count: int, seed: int) -> list[ErrorCounts]:
    random = np.random.default_rng(seed)
    return [ErrorCounts(substitutions=int(random.integers(0, 20)), words=40) for _ in range(count)]


def test_the_interval_is_around_the_rate_and_repeats() -> None:
    speakers = _speakers(12, 0)
    low, high = wer_interval(speakers, np.random.SeedSequence(7))
    assert low < total(speakers).wer < high
    assert wer_interval(speakers, np.random.SeedSequence(7)) == (low, high)
    assert wer_interval(speakers, np.random.SeedSequence(8)) != (low, high)


def test_intervals_of_a_seed_are_the_same_for_ever() -> None:
    """Whole numbers are drawn and divided, alike on every machine: who scores a row again finds what was reported."""
    ones = [ErrorCounts(substitutions=n * n % 11, words=17 + 3 * n) for n in range(12)]
    others = [ErrorCounts(substitutions=n**3 % 13, words=17 + 3 * n) for n in range(12)]
    found = wer_interval(ones, np.random.SeedSequence(7))
    assert found == pytest.approx((0.06218800067459314, 0.16966243734335829), rel=1e-12)
    ratios = paired_ratio_interval([[one] for one in ones], [[other] for other in others], np.random.SeedSequence(7))
    assert ratios == pytest.approx((2 / 3, 0.34830239374694677, 1.2973116733755032), rel=1e-12)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 1,000 experiments 95% give or take two (three standard errors); one of 90% would fall short of 92."""
    truth = 9.5 / 40
    inside = 0
    for seed in range(1000):
        low, high = wer_interval(_speakers(60, seed), np.random.SeedSequence(seed), resamples=300)
        inside += low <= truth <= high
    assert 0.92 <= inside / 1000 <= 0.97


def test_the_interval_is_as_wide_as_the_normal_one_of_many_speakers() -> None:
    """95% of a normal distribution lie within 1.96 standard deviations."""
    speakers = _speakers(400, 5)
    low, high = wer_interval(speakers, np.random.SeedSequence(3), resamples=4000)
    deviation = np.std([count.wer for count in speakers]) / np.sqrt(len(speakers))
    assert (high - low) / (2 * deviation) == pytest.approx(1.96, rel=0.05)
    ones = [[count] for count in speakers]
    others = [[ErrorCounts(substitutions=20, words=40)]] * len(speakers)
    ratio, low, high = paired_ratio_interval(ones, others, np.random.SeedSequence(3), resamples=4000)
    assert (high - low) / (2 * deviation / 0.5) == pytest.approx(1.96, rel=0.05)
    assert low < ratio < high


def test_more_speakers_narrow_the_interval() -> None:
    widths = []
    for count in (5, 50, 500):
        low, high = wer_interval(_speakers(count, 1), np.random.SeedSequence(0))
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("count", range(5))
def test_an_interval_over_speakers_needs_two_of_them(count: int) -> None:
    speakers = _speakers(count, 3)
    assert (wer_interval(speakers, np.random.SeedSequence(0)) is not None) == (count >= 2)
    ones = [[speaker] for speaker in speakers]
    if count < 2:
        with pytest.raises(ValueError, match="at least two"):
            paired_ratio_interval(ones, ones, np.random.SeedSequence(0))


def test_a_paired_ratio_knows_that_both_rows_were_scored_on_the_same_speakers() -> None:
    """Speakers differ tenfold, the rows by a fifth on each of them: the ratio is sure though the rates are not."""
    errors = np.random.default_rng(0).integers(5, 50, 20) * 5
    ones = [[ErrorCounts(substitutions=int(e * 4 // 5), words=1000)] for e in errors]
    others = [[ErrorCounts(substitutions=int(e), words=1000)] for e in errors]
    ratio, low, high = paired_ratio_interval(ones, others, np.random.SeedSequence(1))
    assert low == pytest.approx(0.8) == ratio == high
    mixed, below, above = paired_ratio_interval(ones, others[::-1], np.random.SeedSequence(1))
    assert mixed == ratio
    assert below < 0.75 < 0.85 < above
    with pytest.raises(ValueError, match="paired"):
        paired_ratio_interval(ones, others[1:], np.random.SeedSequence(1))
