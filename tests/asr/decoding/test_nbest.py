import itertools
import math

import numpy as np
import pytest
import torch
from support.tolerance import rounding
from support.toy_recognisers import speaker
from torch import Tensor

from fedasr.asr.decoding.nbest import Hypothesis, nbest, sequence_log_probabilities
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens

HEADS = ["ctc", "transducer", "joint"]
FRAMES = 5
SEEDS = [0, 1, 3, 4]
SAME = rounding(FRAMES * (12 + 2 * 6) + FRAMES * (3 + 2) + 7 * (6 + 6), 20.0)
"""Log-probabilities of up to 20: the encoder over the frames, the sums over them, the predictor over the labels."""


def _model(head: str, seed: int) -> Recogniser:
    """A small recogniser of two labels, with opinions, that mostly hears nothing."""
    torch.manual_seed(seed)
    spec = RecogniserSpec(FeatureSpec(mels=4), EncoderSpec("lstm", 1, 6, 0.0), head, predictor_units=6)
    model = Recogniser(spec, CharacterTokens("ab"))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0)
        for name, part in model.head.parts().items():
            part.output.bias[0] += {"ctc": 1.0, "transducer": 3.0}[name]
    return model


def _speech(model: Recogniser, utterances: int, seed: int) -> Tensor:
    inputs = model.encoder.layers[0].input_size
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((utterances, FRAMES, inputs))).float()


@torch.no_grad()
def _by_loss(model: Recogniser, speech_BTF: Tensor, length: int, labels: tuple[int, ...]) -> float:
    """The log-probability of a labelling by the losses that the heads are trained with."""
    lengths, targets = torch.tensor([length]), torch.tensor([labels], dtype=torch.long)
    arguments = (model.encoder(speech_BTF, lengths, None)[:, :length], lengths, targets, torch.tensor([len(labels)]))
    return -speaker(model).losses(*arguments).item()


@torch.no_grad()
def _brute_force(model: Recogniser, speech_1TF: Tensor) -> dict[tuple[int, ...], float]:
    """The probability of every labelling, of CTC by all its paths, of the transducer up to six labels."""
    if "transducer" in model.head.parts():
        every = itertools.chain(*(itertools.product((1, 2), repeat=length) for length in range(7)))
        return {labels: math.exp(_by_loss(model, speech_1TF, FRAMES, labels)) for labels in every}
    log_probs_TV = model.ctc(model.encoder(speech_1TF, torch.tensor([FRAMES]), None))[0].double().numpy()
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(3), repeat=FRAMES):
        labels = tuple(token for token, _ in itertools.groupby(path) if token != 0)
        probability = math.exp(sum(log_probs_TV[t, token] for t, token in enumerate(path)))
        found[labels] = found.get(labels, 0.0) + probability
    return found


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wide_beam_finds_the_most_probable_labellings(head: str, seed: int) -> None:
    model = _model(head, seed)
    speech, lengths = _speech(model, 2, seed), torch.tensor([FRAMES, FRAMES])
    size = 3
    lists = nbest(model, speech, lengths, size, 64)
    for row, heard in enumerate(lists):
        every = _brute_force(model, speech[row : row + 1])
        best = sorted(every, key=every.__getitem__, reverse=True)[:size]
        assert 1 - sum(every.values()) < every[best[-1]], "what was not enumerated might be better"
        assert [hypothesis.labels for hypothesis in heard] == best
        np.testing.assert_allclose([math.exp(h.log_probability) for h in heard], [every[b] for b in best], rtol=SAME)
    assert [heard[:1] for heard in lists] == nbest(model, speech, lengths, 1, 64)


def test_the_cases_above_say_something() -> None:
    heard = set()
    for head, seed in itertools.product(HEADS[:2], SEEDS):
        model = _model(head, seed)
        lists = nbest(model, _speech(model, 2, seed), torch.tensor([FRAMES, FRAMES]), 1, 64)
        heard |= {(head, best[0].labels) for best in lists}
    assert len({labels for head, labels in heard if head == "ctc"}) >= 3
    assert len({labels for head, labels in heard if head == "transducer"}) >= 3


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("beam", [1, 2, 8])
def test_every_hypothesis_has_the_probability_of_its_labels(head: str, beam: int) -> None:
    model = _model(head, 7)
    speech, lengths = _speech(model, 3, 7), torch.tensor([FRAMES, 2, 4])
    lists = nbest(model, speech, lengths, 6, beam)
    scores = sequence_log_probabilities(model, speech, lengths, [[h.labels for h in heard] for heard in lists])
    for row, heard in enumerate(lists):
        assert heard
        found = [hypothesis.log_probability for hypothesis in heard]
        assert found == sorted(found, reverse=True)
        assert len({hypothesis.labels for hypothesis in heard}) == len(heard) <= 6
        np.testing.assert_allclose(scores[row], found, atol=SAME)
        by_loss = [_by_loss(model, speech[row : row + 1], int(lengths[row]), h.labels) for h in heard]
        np.testing.assert_allclose(found, by_loss, atol=SAME)


@pytest.mark.parametrize("head", HEADS)
def test_a_batch_is_searched_as_each_utterance_alone(head: str) -> None:
    model = _model(head, 3)
    speech, lengths = _speech(model, 3, 3), [FRAMES, 3, 4]
    together = nbest(model, speech, torch.tensor(lengths), 5, 8)
    for row, length in enumerate(lengths):
        (alone,) = nbest(model, speech[row : row + 1, :length], torch.tensor([length]), 5, 8)
        assert [h.labels for h in together[row]] == [h.labels for h in alone]
        np.testing.assert_allclose(
            [h.log_probability for h in together[row]], [h.log_probability for h in alone], atol=SAME
        )


@pytest.mark.parametrize("head", HEADS)
def test_nothing_is_heard_where_no_frame_is(head: str) -> None:
    model = _model(head, 0)
    speech = _speech(model, 2, 0)
    assert nbest(model, speech, torch.tensor([0, FRAMES]), 3, 4)[0] == [Hypothesis((), 0.0)]
    assert nbest(model, speech[:1, :0], torch.tensor([0]), 3, 4) == [[Hypothesis((), 0.0)]]
    scores = sequence_log_probabilities(model, speech, torch.tensor([0, 0]), [[(), (1,)], [(2, 1)]])
    assert [score.tolist() for score in scores] == [[0.0, -math.inf], [-math.inf]]


@pytest.mark.parametrize("head", HEADS)
def test_lists_of_candidates_may_differ_in_length(head: str) -> None:
    model = _model(head, 5)
    speech, lengths = _speech(model, 3, 5), [FRAMES, 3, FRAMES]
    candidates = [[(), (1, 2), (2,)], [], [(2, 2, 1)]]
    scores = sequence_log_probabilities(model, speech, torch.tensor(lengths), candidates)
    assert [score.dtype for score in scores] == [np.float32] * 3
    for row, (score, sequences) in enumerate(zip(scores, candidates, strict=True)):
        expected = [_by_loss(model, speech[row : row + 1], lengths[row], labels) for labels in sequences]
        np.testing.assert_allclose(score, expected, atol=SAME)
    assert [len(s) for s in sequence_log_probabilities(model, speech, torch.tensor(lengths), [[], [], []])] == [0] * 3


def test_a_candidate_that_does_not_fit_into_its_frames_is_impossible_to_ctc() -> None:
    model = _model("ctc", 0)
    speech = _speech(model, 1, 0)
    (scores,) = sequence_log_probabilities(model, speech, torch.tensor([3]), [[(1, 2, 1), (1, 1), (1, 1, 2), (1,) * 9]])
    assert np.isfinite(scores).tolist() == [True, True, False, False]
    assert scores[2:].tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("head", HEADS)
def test_all_that_fits_adds_up_to_one(head: str) -> None:
    model = _model(head, 1)
    every = [c for n in range(8) for c in itertools.product((1, 2), repeat=n)]
    (scores,) = sequence_log_probabilities(model, _speech(model, 1, 1), torch.tensor([FRAMES]), [every])
    if head == "ctc":
        assert np.exp(scores).sum() == pytest.approx(1, abs=SAME)
    else:
        assert 0.99 < np.exp(scores).sum() <= 1 + SAME


@pytest.mark.parametrize("head", HEADS)
def test_a_broken_model_finds_nothing_probable(head: str) -> None:
    model = _model(head, 0)
    with torch.no_grad():
        next(iter(model.parameters())).fill_(math.nan)
    speech, lengths = _speech(model, 1, 0), torch.tensor([FRAMES])
    assert nbest(model, speech, lengths, 3, 4) == [[]]
    (scores,) = sequence_log_probabilities(model, speech, lengths, [[(), (1, 2)]])
    assert scores.tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("head", HEADS)
def test_no_hypothesis_is_longer_than_asked_for(head: str) -> None:
    model = _model(head, 0)
    speech_BTF, lengths_B = _speech(model, 2, 0), torch.full((2,), FRAMES)
    short = nbest(model, speech_BTF, lengths_B, 40, 80, most_labels=2)
    whole = nbest(model, speech_BTF, lengths_B, 400, 80)
    assert all({len(h.labels) for h in heard} == {0, 1, 2} for heard in short)
    for few, many in zip(short, whole, strict=True):
        assert [h.labels for h in few] == [h.labels for h in many if len(h.labels) <= 2][: len(few)]
