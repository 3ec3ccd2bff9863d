import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.toy_speech import MELS, TOKENS, made_up

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.training.batches import seconds_of, shuffled_batches, training_batch


@given(count=st.integers(1, 40), size=st.integers(1, 9), seed=st.integers(0, 99))
def test_every_example_is_there_once_a_pass(count: int, size: int, seed: int) -> None:
    batches = shuffled_batches(made_up(count), size, np.random.default_rng(seed))
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    assert len(batches) == -(-count // size)
    assert sorted(map(len, batches))[1:] == [size] * (len(batches) - 1)


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


def test_a_frame_lasts_ten_milliseconds() -> None:
    speech = made_up(7)
    assert seconds_of(speech) == sum(speech.frames(index) for index in range(7)) / 100
    assert seconds_of(speech, [2, 5, 5]) == (speech.frames(2) + 2 * speech.frames(5)) / 100
    assert seconds_of(speech, []) == 0
