from dataclasses import replace

import numpy as np
from support.toy_speech import MELS, TOKENS, made_up

from fedasr.asr.augment import NO_AUGMENTATION, AugmentSpec
from fedasr.asr.batch import make_batch
from fedasr.corpora.speech import Speech, held_speech
from fedasr.training.batches import seconds_of, training_batch
from fedasr.training.holdings import Chain, Chosen


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
