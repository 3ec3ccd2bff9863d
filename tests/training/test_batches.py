from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.toy_speech import MELS, TOKENS, made_up

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.asr.batch import make_batch
from fedasr.corpora.speech import Speech, held_speech
from fedasr.training.batches import rounded_up, seconds_of, shuffled_batches, steps_of_a_pass, training_batch
from fedasr.training.holdings import Chain, Chosen


@given(count=st.integers(1, 40), size=st.integers(1, 9), seed=st.integers(0, 99))
def test_every_example_is_there_once_a_pass(count: int, size: int, seed: int) -> None:
    batches = shuffled_batches(made_up(count), size, np.random.default_rng(seed))
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    assert len(batches) == -(-count // size)
    assert sorted(map(len, batches))[1:] == [size] * (len(batches) - 1)


def test_batches_of_so_many_utterances_are_those_of_published_numbers() -> None:
    assert shuffled_batches(made_up(11), 4, np.random.default_rng(3)) == GOLDEN


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
    for batch, following in zip(sorted(sizes)[:-1], sorted(sizes)[1:], strict=True):
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
    first, second, again = (shuffled_batches(speech, 4, np.random.default_rng(seed), 2.0) for seed in (1, 2, 1))
    assert first == again
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))
    assert len({len(batch) for batch in first}) > 1


def test_passes_differ_and_repeat_with_their_generator() -> None:
    speech = made_up(30)
    first, second, again = (shuffled_batches(speech, 4, np.random.default_rng(seed)) for seed in (1, 2, 1))
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


def test_a_batch_holds_features_and_tokens_of_its_examples() -> None:
    speech = made_up(6)
    batch = training_batch(speech, [4, 1], TOKENS, NO_AUGMENTATION, np.random.default_rng(0))
    for row, index in enumerate([4, 1]):
        frames, tokens = speech.frames(index), TOKENS.encode(speech.text(index))
        assert batch.lengths_B[row] == -(-frames // 3)
        assert batch.targets_BU[row, : batch.target_lengths_B[row]].tolist() == tokens
        flat = batch.features_BTF[row].reshape(-1, MELS).numpy()
        np.testing.assert_array_equal(flat[:frames], speech.features(index).astype(np.float32))
        assert not flat[frames:].any()


def test_augmentation_is_drawn_from_the_generator() -> None:
    speech = made_up(3)
    made = [training_batch(speech, [0, 1, 2], TOKENS, AugmentSpec(), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert made[0].features_BTF.equal(made[1].features_BTF)
    assert not made[1].features_BTF.equal(made[2].features_BTF)


def _sped(speeds: tuple[float, ...], count: int = 1) -> Speech:
    """Return utterances whose features are constant: 0 as they are, else the speed."""
    speech = made_up(count)
    copies = {(u.id, s): np.full((9, MELS), s, np.float32) for u in speech.utterances for s in speeds if s != 1}
    return held_speech(speech.utterances, [np.zeros((9, MELS), np.float32) for _ in range(count)], copies)


def test_each_speed_is_as_likely() -> None:
    speeds, hearings = (0.9, 1.0, 1.1), 3000
    augment, speech = replace(NO_AUGMENTATION, speeds=speeds), _sped(speeds)
    batch = training_batch(speech, [0] * hearings, TOKENS, augment, np.random.default_rng(0))
    heard = batch.features_BTF[:, 0, 0].numpy()
    for value in (0.9, 0.0, 1.1):
        # Binomial: the standard deviation of a share of a third is sqrt(2/9/3000); four of them.
        assert abs(np.isclose(heard, value).mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / hearings)


def test_the_speed_is_drawn_first_and_from_the_generator_alone() -> None:
    speeds = (0.9, 1.0, 1.1)
    augment, speech = replace(AugmentSpec(), speeds=speeds), _sped(speeds, 4)
    batch, again = (training_batch(speech, range(4), TOKENS, augment, np.random.default_rng(3)) for _ in range(2))
    assert batch.features_BTF.equal(again.features_BTF)
    generator, features = np.random.default_rng(3), []
    for index in range(4):
        speed = speeds[generator.integers(3)]
        features.append(augment(speech.features(index, speed), generator))
    expected = make_batch(features, [TOKENS.encode(speech.text(index)) for index in range(4)])
    assert batch.features_BTF.equal(expected.features_BTF)


def test_without_speeds_nothing_is_drawn_for_them() -> None:
    speech, generator = made_up(3), np.random.default_rng(5)
    batch = training_batch(speech, range(3), TOKENS, AugmentSpec(), np.random.default_rng(5))
    expected = make_batch([AugmentSpec()(speech.features(index), generator) for index in range(3)])
    assert batch.features_BTF.equal(expected.features_BTF)


def test_a_part_and_a_chain_pass_the_speed_on() -> None:
    speech = _sped((0.9,), 3)
    assert Chain((made_up(2, name="v"), Chosen(speech, (2, 0)))).features(3, 0.9)[0, 0] == np.float32(0.9)
    assert not Chain((speech,)).features(1).any()


def test_a_frame_lasts_ten_milliseconds() -> None:
    speech = made_up(7)
    assert seconds_of(speech) == sum(speech.frames(index) for index in range(7)) / 100
    assert seconds_of(speech, [2, 5, 5]) == (speech.frames(2) + 2 * speech.frames(5)) / 100
    assert seconds_of(speech, []) == 0
