"""A pass over examples: each once, in batches of like length, however many there are."""

import itertools
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.toy_speech import made_up

from fedasr.training import passes
from fedasr.training.passes import rounded_up, shuffled_batches, steps_of_a_pass, windows
from fedasr.training.woven import one_after_another


@given(count=st.integers(1, 40), size=st.integers(1, 9), seed=st.integers(0, 99))
def test_every_example_is_there_once_a_pass(count: int, size: int, seed: int) -> None:
    batches = shuffled_batches(made_up(count), size, np.random.default_rng(seed))
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    assert len(batches) == -(-count // size)
    assert sorted(map(len, batches))[1:] == [size] * (len(batches) - 1)


def test_batches_of_so_many_utterances_are_those_of_published_numbers() -> None:
    assert list(shuffled_batches(made_up(11), 4, np.random.default_rng(3))) == GOLDEN


GOLDEN = [[7, 5, 0], [4, 3, 10, 2], [9, 6, 1, 8]]


@dataclass(frozen=True)
class Lengths:
    """Examples of which nothing but the lengths are known."""

    of: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.of)

    def frames(self, index: int) -> int:
        return self.of[index]


lengths = st.lists(st.integers(1, 400), max_size=40).map(lambda frames: Lengths(tuple(frames)))
seconds = st.one_of(st.floats(0.01, 9.0), st.integers(1, 900).map(lambda frames: frames / 100))


@given(speech=lengths, limit=seconds, seed=st.integers(0, 99))
def test_batches_of_so_many_seconds_hold_every_example_once_and_no_more_than_fits(
    speech: Lengths, limit: float, seed: int
) -> None:
    batches = shuffled_batches(speech, 3, np.random.default_rng(seed), limit)  # type: ignore[arg-type]
    assert sorted(index for batch in batches for index in batch) == list(range(len(speech)))
    assert all(len(batch) == 1 or max(map(speech.frames, batch)) * len(batch) / 100 <= limit for batch in batches)
    assert len(batches) == steps_of_a_pass(speech, 3, limit)  # type: ignore[arg-type]


@given(speech=lengths, limit=seconds)
def test_and_as_many_as_fit(speech: Lengths, limit: float) -> None:
    """In the order of their lengths no batch has room for the first of the next, lengths rounded up."""
    batches = shuffled_batches(speech, 3, np.random.default_rng(0), limit)  # type: ignore[arg-type]
    sizes = [sorted(rounded_up(np.array([speech.frames(index) for index in batch], float))) for batch in batches]
    sizes.sort(key=lambda batch: (batch[0], batch[-1], -len(batch)))  # of alike batches the last may be smaller
    for batch, following in itertools.pairwise(sizes):
        assert batch[-1] <= following[0]
        assert (len(batch) + 1) * following[0] / 100 > limit


def test_what_fills_a_batch_to_the_frame_fits() -> None:
    speech = Lengths((10,) * 8)
    found = [steps_of_a_pass(speech, 3, limit) for limit in (0.39, 0.40, 0.79, 0.80, 0.05)]  # type: ignore[arg-type]
    assert found == [3, 2, 2, 1, 8]


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=50))
def test_lengths_are_rounded_up_by_less_than_a_tenth(frames: list[int]) -> None:
    rounded = rounded_up(np.array(frames, float))
    assert ((frames <= rounded) & (rounded < 1.1 * np.array(frames))).all()
    assert (rounded_up(rounded) == rounded).all()


def test_passes_by_seconds_differ_and_repeat_with_their_generator() -> None:
    speech = made_up(60)
    first, second, again = (list(shuffled_batches(speech, 4, np.random.default_rng(seed), 2.0)) for seed in (1, 2, 1))
    assert first == again
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))
    assert len({len(batch) for batch in first}) > 1


def test_passes_differ_and_repeat_with_their_generator() -> None:
    speech = made_up(30)
    first, second, again = (list(shuffled_batches(speech, 4, np.random.default_rng(seed))) for seed in (1, 2, 1))
    assert first == again
    assert first != second
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))


def test_utterances_of_a_batch_are_of_like_length() -> None:
    speech = made_up(200)
    spread = [
        max(map(speech.frames, batch)) / min(map(speech.frames, batch))
        for batch in shuffled_batches(speech, 5, np.random.default_rng(0))
    ]
    assert np.median(spread) < 1.3


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of sixty examples, in blocks of about eight."""
    monkeypatch.setattr(passes, "WINDOW", 60)
    monkeypatch.setattr(passes, "BLOCK", 8)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("count", [61, 120, 121, 1000, 1007])
@pytest.mark.parametrize("size", [1, 3, 8, 50])
def test_windows_hold_every_example_once_and_no_batch_but_one_is_smaller(count: int, size: int) -> None:
    found = list(windows(count, size))
    assert sorted(np.concatenate(found).tolist()) == list(range(count))
    assert len(found) == -(-count // 60)
    assert sum(-(-len(places) // size) for places in found) == -(-count // size)
    speech = Lengths(tuple(20 + n * 7919 % 400 for n in range(count)))
    batches = shuffled_batches(speech, size, np.random.default_rng(1))  # type: ignore[arg-type]
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    assert len(batches) == steps_of_a_pass(speech, size) == -(-count // size)  # type: ignore[arg-type]
    assert sorted(map(len, batches))[1:] == [size] * (len(batches) - 1)


@pytest.mark.usefixtures("narrow")
@given(limit=seconds, seed=st.integers(0, 99))
def test_windows_of_batches_by_seconds_are_as_many_in_every_pass(limit: float, seed: int) -> None:
    speech = Lengths(tuple(20 + n * 7919 % 400 for n in range(300)))
    batches = shuffled_batches(speech, 3, np.random.default_rng(seed), limit)  # type: ignore[arg-type]
    assert sorted(index for batch in batches for index in batch) == list(range(300))
    assert all(len(batch) == 1 or max(map(speech.frames, batch)) * len(batch) / 100 <= limit for batch in batches)
    assert len(batches) == steps_of_a_pass(speech, 3, limit)  # type: ignore[arg-type]


@pytest.mark.usefixtures("narrow")
def test_windows_are_taken_in_another_order_in_each_pass_and_a_batch_is_the_same_whenever_it_is_asked_for() -> None:
    speech = Lengths(tuple(20 + n * 7919 % 400 for n in range(700)))
    first, second, again = (
        shuffled_batches(speech, 4, np.random.default_rng(seed))
        for seed in (1, 2, 1)  # type: ignore[arg-type]
    )
    backwards = [again[number] for number in range(len(again) - 1, -1, -1)]
    assert list(first) == backwards[::-1]
    assert first[-1] == list(first)[-1] == first[len(first) - 1]
    assert first[3:9:2] == list(first)[3:9:2]
    firsts, seconds_ = ({index for batch in found[:15] for index in batch} for found in (first, second))
    assert firsts != seconds_, "the same windows, in another order"
    with pytest.raises(IndexError):
        first[len(first)]


@pytest.mark.usefixtures("narrow")
def test_a_window_is_a_sample_of_all_examples() -> None:
    for places in windows(6000):
        thirds = np.bincount(places // 2000, minlength=3)
        assert thirds.min() >= 8  # two blocks of eight of every third, and one that a border cuts


class _Long:
    """Two million examples, of which nothing is in memory."""

    def __len__(self) -> int:
        return 2_000_000

    def frames_of(self, places: np.ndarray) -> np.ndarray:
        return 20 + places * 7919 % 400


@pytest.mark.parametrize("limit", [0.0, 60.0])
def test_a_pass_holds_a_bounded_window(limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "WINDOW", 1 << 13)
    tracemalloc.start()
    batches = shuffled_batches(_Long(), 16, np.random.default_rng(0), limit)  # type: ignore[arg-type]
    for number in range(0, len(batches), len(batches) // 20):
        assert batches[number]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_500_000  # of a window of 8,192: seven arrays of 8 bytes; not of 2,000,000


def test_passes_one_after_another_are_cut_where_it_is_asked() -> None:
    found = one_after_another([[[1], [2]], [[3, 4]], [[5], [6]]], 4, 10)
    assert list(found) == [[11], [12], [13, 14], [15]]
    assert list(found.from_number(3)) == [[15], [11], [12], [13, 14]]
    assert list(one_after_another([], 0)) == []
