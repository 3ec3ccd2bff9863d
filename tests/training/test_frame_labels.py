from dataclasses import replace

import numpy as np
import pytest
import torch
from support.toy_speech import made_up

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FRAMES_A_SECOND, FeatureSpec, LogMel
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import PhoneTokens, learn_phones
from fedasr.common.errors import RowError
from fedasr.corpora.alignment import Alignment, labelled
from fedasr.corpora.speech import speech_of
from fedasr.corpora.stores.held import HeldStore
from fedasr.training.batches import training_batch
from fedasr.training.frame_labels import frame_labels

FRAMES = 90
COUNTING = PhoneTokens(tuple(f"{number:02}" for number in range(1, FRAMES)), (), "counted")


class _Counted:
    """An utterance whose features and phones say which frame they are; at another speed frames are further apart."""

    def __len__(self) -> int:
        return 1

    def features(self, index: int, speed: float = 1.0) -> np.ndarray:
        return np.repeat((np.arange(int(FRAMES / speed)) * speed)[:, None], 8, axis=1)

    def frames(self, index: int) -> int:
        return FRAMES

    def text(self, index: int) -> str:
        raise AssertionError("a label a frame is learnt, and no transcript")

    def alignment(self, index: int, name: str) -> Alignment:
        assert name == "counted"
        return Alignment(("", *COUNTING.phones), np.arange(FRAMES, dtype=np.uint16))

    def id(self, index: int) -> str:
        return "counted"


@pytest.mark.parametrize("stacked", [3, 4])
@pytest.mark.parametrize("speeds", [(), (0.9, 1.1)])
@pytest.mark.parametrize("tempo", [0.0, 0.4])
def test_labels_go_where_augmentation_moves_their_frames(stacked: int, speeds: tuple, tempo: float) -> None:
    augment = replace(NO_AUGMENTATION, tempo=tempo, speeds=speeds)
    for seed in range(10):
        batch = training_batch(_Counted(), [0], COUNTING, augment, np.random.default_rng(seed), stacked)
        assert batch.target_lengths_B.tolist() == batch.lengths_B.tolist()
        middle = batch.features_BTF[0, :-1, 8 * (stacked // 2)]  # the last stack may be padded
        assert (batch.targets_BU[0, :-1] - middle).abs().max() <= 0.51  # the nearest frame's label


def test_a_last_stack_that_is_short_has_the_label_of_its_last_frame() -> None:
    alignment = Alignment(("", "01", "02"), np.array([0, 0, 0, 1, 2, 2, 1], np.uint16))
    assert frame_labels(alignment, COUNTING, np.arange(7.0), 3) == [0, 2, 1]


def test_speech_without_alignments_is_told_of_in_a_line() -> None:
    with pytest.raises(RowError, match="'counted'"):
        training_batch(made_up(1), [0], COUNTING, NO_AUGMENTATION, np.random.default_rng(0))


def test_the_phones_of_a_few_utterances_are_learnt_from_the_synthesiser_s_times() -> None:
    pytest.importorskip("espeakng_loader", reason="synthetic speech needs the extra 'synth'")
    from fedasr.corpora.synthetic import synthetic_corpus

    utterances, features = synthetic_corpus(speakers=2, utterances_per_speaker=3, seed=4), LogMel(FeatureSpec(mels=32))
    starts = {u.id: [(phone.name, phone.start_seconds) for phone in u.audio.phones()] for u in utterances}
    tokens = learn_phones(((u.text, tuple(name for name, _ in starts[u.id] if name)) for u in utterances), "reported")

    class Reported(HeldStore):
        def alignment(self, row: int, name: str) -> Alignment:
            labels = labelled(starts[self.id(row)], int(self.frames[row]), FRAMES_A_SECOND)
            return Alignment(("", *tokens.phones), np.array(tokens.numbered(labels), np.uint16))

    speech = speech_of(Reported(utterances, [features(u.audio.read(16_000)) for u in utterances]))
    torch.manual_seed(0)
    spec = RecogniserSpec(FeatureSpec(mels=32), EncoderSpec("bilstm", 1, 64, 0.0), head="frames")
    recogniser = Recogniser(spec, tokens)
    batch = training_batch(speech, range(6), tokens, NO_AUGMENTATION, np.random.default_rng(0))
    optimizer = torch.optim.Adam(recogniser.parameters(), 1e-2)
    for _ in range(60):
        loss = recogniser.losses(batch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.15  # nats a frame; of equal outputs log(size) > 3
    heard = recogniser.hear(batch).texts
    assert sum(text == u.text for text, u in zip(heard, utterances, strict=True)) >= 4  # each text is one "word"
