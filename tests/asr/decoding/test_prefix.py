import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples
from support.greedy_labels import greedy_labels
from support.tolerance import U, assert_rounded, rounding
from support.toy_recognisers import TOKENS, features, operations, recogniser, speaker
from torch import Tensor

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.prefix import PrefixScorer, encoded, prefix_scorer
from fedasr.asr.heads.prefix_ctc import ctc_forward, log_recurrence, sum_over_frames
from fedasr.asr.heads.prefix_transducer import transducer_forward
from fedasr.asr.heads.transducer import TransducerHead, TransducerSettings
from fedasr.asr.recogniser import Recogniser

HEADS = ["ctc", "transducer", "joint"]
INFINITY = float("inf")
LARGEST = 20.0
"""Log-probabilities of a few frames are no larger, and what they are off, the probability is off relatively."""


def _logits(seed: int, *shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 1.5, shape)).float()


def _ctc(logits_BTV: Tensor, *lengths: int) -> PrefixScorer:
    forward = ctc_forward(logits_BTV.log_softmax(-1), torch.tensor(lengths))
    return PrefixScorer(forward, logits_BTV.shape[2])


def _transducer_head(seed: int, tokens: int) -> TransducerHead:
    torch.manual_seed(seed)
    head = TransducerHead(5, tokens, TransducerSettings(6, 0.0))
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.mul_(2.5)
    return head


@torch.no_grad()
def _transducer(head: TransducerHead, encodings_BTF: Tensor, *lengths: int) -> PrefixScorer:
    return PrefixScorer(transducer_forward(head, encodings_BTF, torch.tensor(lengths)), head.output.out_features)


def _sharp(head: str) -> Recogniser:
    """A recogniser with opinions."""
    model = recogniser(head=head)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.5)
    return model


def _scorer(model: Recogniser, *frames: int, seed: int = 0) -> PrefixScorer:
    batch = make_batch(features(*frames, seed=seed))
    return prefix_scorer(model, batch.features_BTF, batch.lengths_B)


def _prefixes(tokens: int, longest: int) -> Iterator[tuple[int, ...]]:
    for length in range(longest + 1):
        yield from itertools.product(range(1, tokens), repeat=length)


def _after(scorer: PrefixScorer, prefix: tuple[int, ...]) -> Tensor:
    for label in prefix:
        scorer.append(torch.tensor([label]))
    return scorer.joint_log_probabilities()[0].double().exp()


@pytest.mark.parametrize("seed", range(3))
def test_ctc_sums_over_all_paths(seed: int) -> None:
    frames, tokens = 5, 3
    sums = frames * (tokens + 2)  # a softmax, and what enters and what stays
    logits = _logits(seed, 1, frames, tokens)
    probabilities = logits.log_softmax(-1)[0].double().exp().numpy()
    spelt: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(tokens), repeat=frames):
        labels = tuple(token for token, _ in itertools.groupby(path) if token != 0)
        spelt[labels] = spelt.get(labels, 0.0) + math.prod(probabilities[t, token] for t, token in enumerate(path))
    for prefix in _prefixes(tokens, 4):
        found = _after(_ctc(logits, frames), prefix)
        for label in range(1, tokens):
            longer = (*prefix, label)
            expected = sum(p for labels, p in spelt.items() if labels[: len(longer)] == longer)
            assert found[label].item() == pytest.approx(expected, rel=rounding(sums, LARGEST), abs=U)
        assert found[tokens].item() == pytest.approx(spelt.get(prefix, 0.0), rel=rounding(sums, LARGEST), abs=U)
        assert found[0] == 0


@torch.no_grad()
def _lattice(head: TransducerHead, encodings_TF: Tensor, labels: tuple[int, ...]) -> np.ndarray:
    predictions, _ = head.predictor(head.embedding(torch.tensor([[0, *labels]])))
    return head.join(encodings_TF[:, None], predictions[0][None]).log_softmax(-1).double().exp().numpy()


def _said_by(lattice_TUV: np.ndarray, labels: tuple[int, ...], whole: bool) -> float:
    """The probability of saying the labels, over all choices of their frames; `whole`: and then no more."""
    total = 0.0
    for spoken in itertools.combinations_with_replacement(range(len(lattice_TUV)), len(labels)):
        path = math.prod(lattice_TUV[t, u, labels[u]] for u, t in enumerate(spoken))
        frames = len(lattice_TUV) if whole else spoken[-1]
        path *= math.prod(lattice_TUV[t, sum(s <= t for s in spoken), 0] for t in range(frames))
        total += path
    return total


@pytest.mark.parametrize("seed", range(3))
def test_the_transducer_sums_over_all_alignments(seed: int) -> None:
    frames, tokens = 3, 3
    sums = frames * (tokens + 2) + 5 * (6 + 6)  # the same, and the predictor over up to five labels
    head, encodings = _transducer_head(seed, tokens), _logits(seed, 1, frames, 5)
    for prefix in _prefixes(tokens, 4):
        found = _after(_transducer(head, encodings, frames), prefix)
        for label in range(1, tokens):
            longer = (*prefix, label)
            expected = _said_by(_lattice(head, encodings[0], longer), longer, whole=False)
            assert found[label].item() == pytest.approx(expected, rel=rounding(sums, LARGEST), abs=U)
        expected = _said_by(_lattice(head, encodings[0], prefix), prefix, whole=True)
        assert found[tokens].item() == pytest.approx(expected, rel=rounding(sums, LARGEST), abs=U)
        assert found[0] == 0


@pytest.mark.parametrize("head", HEADS)
@examples(20)
@given(seed=st.integers(0, 1000), prefix=st.lists(st.integers(1, 6), max_size=8))
def test_labels_and_end_share_the_probability_of_the_prefix(head: str, seed: int, prefix: list[int]) -> None:
    scorer = _scorer(_sharp(head), 40, seed=seed)
    before = torch.zeros(())
    sums = (len(prefix) + 1) * (14 + scorer.end)  # for each label a sum over 14 frames and one over all labels
    for label in prefix:
        joint = scorer.joint_log_probabilities()[0]
        within = rounding(sums, float(joint[joint.isfinite()].abs().max()))
        torch.testing.assert_close(joint.logsumexp(0), before, atol=within, rtol=0)
        torch.testing.assert_close(scorer.next_log_probabilities()[0], joint - before, atol=within, rtol=0)
        before = joint[label]
        scorer.append(torch.tensor([label]))
    assert scorer.next_log_probabilities().logsumexp(1).item() == pytest.approx(
        0, abs=rounding(2 * scorer.end, LARGEST)
    )


@pytest.mark.parametrize("head", HEADS)
def test_the_end_is_as_probable_as_the_loss_says(head: str) -> None:
    model, labels = _sharp(head), torch.tensor([[2, 2, 5, 1], [6, 1, 1, 3]])
    batch = make_batch(features(60, 44))
    scorer = prefix_scorer(model, batch.features_BTF, batch.lengths_B)
    encodings = model.encoder(batch.features_BTF, batch.lengths_B, None)
    for said in range(5):
        arguments = (encodings, batch.lengths_B, labels[:, :said], torch.tensor([said, said]))
        losses = speaker(model).losses(*arguments)
        assert_rounded(scorer.end_log_probabilities(), -losses.detach(), operations(60))
        assert_rounded(scorer.joint_log_probabilities()[:, -1], -losses.detach(), operations(60))
        if said < 4:
            scorer.append(labels[:, said])


@pytest.mark.parametrize("head", HEADS)
def test_a_batch_is_scored_as_each_utterance_alone(head: str) -> None:
    model, frames = _sharp(head), (40, 13, 25)
    labels = torch.tensor([[1, 3, 3], [2, 1, 4], [5, 5, 5]])
    together = _scorer(model, *frames)
    alone = []
    for utterance in features(*frames):
        batch = make_batch([utterance])
        alone.append(prefix_scorer(model, batch.features_BTF, batch.lengths_B))
    for step in range(4):
        expected = torch.cat([scorer.joint_log_probabilities() for scorer in alone])
        assert_rounded(together.joint_log_probabilities(), expected, operations(40))
        if step < 3:
            together.append(labels[:, step])
            for scorer, label in zip(alone, labels[:, step], strict=True):
                scorer.append(label[None])


def test_what_lies_behind_the_end_of_an_utterance_never_counts() -> None:
    logits, encodings, head = _logits(0, 1, 6, 4), _logits(1, 1, 6, 5), _transducer_head(0, 4)
    sums = 6 * (4 + 2) + 3 * (6 + 6)  # frames and labels
    loud, strange = logits.clone(), encodings.clone()
    loud[:, 4:] = torch.tensor([-50.0, 50.0, 0.0, 0.0])
    strange[:, 4:] = 30.0
    pairs = [
        (_ctc(loud, 4), _ctc(logits[:, :4], 4)),
        (_transducer(head, strange, 4), _transducer(head, encodings[:, :4], 4)),
    ]
    for padded, bare in pairs:
        for label in (1, 1, 3):
            assert_rounded(padded.joint_log_probabilities(), bare.joint_log_probabilities(), sums)
            padded.append(torch.tensor([label]))
            bare.append(torch.tensor([label]))
        assert_rounded(padded.joint_log_probabilities(), bare.joint_log_probabilities(), sums)


@pytest.mark.parametrize("head", HEADS)
def test_selected_utterances_go_on_as_they_were(head: str) -> None:
    scorer = _scorer(_sharp(head), 40, 13, 25)
    scorer.append(torch.tensor([1, scorer.end, 2]))
    rows = torch.tensor([2, 0, 0, 1])
    chosen = scorer.select(rows)
    for labels in ([3, 4, 1], [2, 2, 2]):
        assert_rounded(chosen.joint_log_probabilities(), scorer.joint_log_probabilities()[rows], operations(40))
        scorer.append(torch.tensor(labels))
        chosen.append(torch.tensor(labels)[rows])
    assert_rounded(chosen.joint_log_probabilities(), scorer.joint_log_probabilities()[rows], operations(40))


@pytest.mark.parametrize("head", HEADS)
def test_a_finished_utterance_stays_finished_and_the_others_do_not_notice(head: str) -> None:
    model = _sharp(head)
    finishing, going_on = _scorer(model, 40, 31), _scorer(model, 40, 31)
    end = finishing.end
    finishing.append(torch.tensor([end, 2]))
    going_on.append(torch.tensor([3, 2]))
    finishing.append(torch.tensor([0, 1]))  # an answer for a finished utterance may be anything
    going_on.append(torch.tensor([3, 1]))
    log_probs = finishing.next_log_probabilities()
    assert log_probs[0].tolist() == [-INFINITY] * end + [0]
    assert finishing.joint_log_probabilities()[0].tolist() == [-INFINITY] * (end + 1)
    assert_rounded(log_probs[1], going_on.next_log_probabilities()[1], operations(40))
    assert finishing.end_log_probabilities()[0] == -INFINITY, "it has ended already"
    assert_rounded(finishing.end_log_probabilities()[1], going_on.end_log_probabilities()[1], operations(40))


@pytest.mark.parametrize("label", [0, -1, 8])
def test_only_labels_and_the_end_are_appended(label: int) -> None:
    scorer = _scorer(recogniser(), 40)
    with pytest.raises(ValueError, match=r"labels to append must be 1 to 6, or 7 for the end"):
        scorer.append(torch.tensor([label]))


def test_after_an_impossible_prefix_the_end_is_certain() -> None:
    scorer = _ctc(_logits(0, 1, 3, 3), 3)
    for label in (1, 1):  # needs all three frames, a blank between
        scorer.append(torch.tensor([label]))
    assert scorer.next_log_probabilities()[0, 1:3].tolist() == [-INFINITY, -INFINITY]
    scorer.append(torch.tensor([1]))
    assert scorer.joint_log_probabilities().tolist() == [[-INFINITY] * 4]
    assert scorer.next_log_probabilities().tolist() == [[-INFINITY] * 3 + [0]]


@pytest.mark.parametrize("scale", [1.0, 100.0, 5000.0])
def test_sure_models_stay_in_log_space(scale: float) -> None:
    head, encodings = _transducer_head(0, 4), _logits(1, 2, 50, 5)
    with torch.no_grad():
        head.output.weight.mul_(scale)
    for scorer in (_ctc(scale * _logits(0, 2, 50, 4), 50, 20), _transducer(head, encodings, 50, 20)):
        for label in (1, 3, 3, 2):
            log_probs = scorer.next_log_probabilities()
            assert not log_probs.isnan().any()
            torch.testing.assert_close(log_probs.logsumexp(1), torch.zeros(2), atol=rounding(2 * 5, LARGEST), rtol=0)
            scorer.append(torch.tensor([label, label]))


@pytest.mark.parametrize("head", HEADS)
def test_a_broken_model_still_has_an_answer(head: str) -> None:
    model = recogniser(head=head)
    with torch.no_grad():
        next(iter(model.parameters())).fill_(math.nan)
    assert greedy_labels(_scorer(model, 40), 5) == [[]]


@pytest.mark.parametrize("head", HEADS)
def test_where_no_frame_is_nothing_is_said(head: str) -> None:
    model, batch = _sharp(head), make_batch(features(40))
    silent = prefix_scorer(model, batch.features_BTF[:, :0], torch.tensor([0]))
    beside = prefix_scorer(model, batch.features_BTF.repeat(2, 1, 1), torch.tensor([0, int(batch.lengths_B)]))
    nothing = [-INFINITY] * silent.end + [0]
    assert silent.joint_log_probabilities()[0].tolist() == nothing
    assert beside.joint_log_probabilities()[0].tolist() == nothing
    assert_rounded(beside.joint_log_probabilities()[1:], _scorer(model, 40).joint_log_probabilities(), operations(40))


def test_an_utterance_without_frames_beside_others_is_no_trouble_to_attention() -> None:
    model, batch = recogniser("conformer"), make_batch(features(40))
    scorer = prefix_scorer(model, batch.features_BTF.repeat(2, 1, 1), torch.tensor([0, int(batch.lengths_B)]))
    assert scorer.joint_log_probabilities()[0].tolist() == [-INFINITY] * scorer.end + [0]
    assert_rounded(scorer.joint_log_probabilities()[1:], _scorer(model, 40).joint_log_probabilities(), operations(40))


@given(st.lists(st.floats(-200, 0) | st.just(-INFINITY), min_size=4, max_size=4), st.integers(0, 99))
def test_sums_over_frames_are_logsumexps(weights: list[float], seed: int) -> None:
    log_probs, weights_BT = _logits(seed, 1, 4, 3).log_softmax(-1), torch.tensor([weights])
    expected = (weights_BT[:, :, None] + log_probs).logsumexp(1)
    # Exponentials, a sum over four frames, a logarithm and the weights themselves, of sizes up to 200.
    torch.testing.assert_close(sum_over_frames(weights_BT, log_probs), expected, atol=rounding(4 + 3, 200), rtol=0)


recurrences = st.integers(1, 12).flatmap(
    lambda frames: st.lists(
        st.tuples(st.floats(-30, 0), st.floats(-40, 0) | st.just(-INFINITY)), min_size=frames, max_size=frames
    )
)


@given(recurrences)
def test_the_scan_is_the_recurrence(steps: list[tuple[float, float]]) -> None:
    expected, value = [], -INFINITY
    for keep, enter in steps:
        value = float(np.logaddexp(keep + value, enter))
        expected.append(value)
    keep, enter = torch.tensor(steps).unbind(1)
    found = log_recurrence(keep[None], enter[None])[0]
    # The scan is one of float64; what goes in is rounded, and what comes out.
    torch.testing.assert_close(found, torch.tensor(expected), atol=rounding(len(steps) + 1, 40), rtol=rounding(1))


def test_the_scan_is_exact_over_minutes_of_speech() -> None:
    keep, enter = (torch.from_numpy(x).float() for x in -np.random.default_rng(0).uniform(0, 60, (2, 1, 6000)))
    value, expected = -INFINITY, []
    for k, e in zip(keep[0].tolist(), enter[0].tolist(), strict=True):
        value = float(np.logaddexp(k + value, e))
        expected.append(value)
    # The scan adds 6,000 terms of float64; what comes out is rounded to float32.
    scan = 6000 * 2.0**-53 * float(keep.abs().sum())
    torch.testing.assert_close(log_recurrence(keep, enter)[0], torch.tensor(expected), atol=scan, rtol=rounding(1))


paths = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=4)


@given(paths)
def test_greedy_search_spells_what_a_sure_model_hears(paths: list[list[int]]) -> None:
    logits = torch.full((len(paths), max(map(len, paths)), 4), -8.0)
    for row, path in enumerate(paths):
        logits[row, torch.arange(len(path)), torch.tensor(path)] = 8.0
    found = greedy_labels(_ctc(logits, *map(len, paths)), 9)
    assert found == [[token for token, _ in itertools.groupby(path) if token != 0] for path in paths]


def test_the_tokens_of_a_recogniser_are_its_columns() -> None:
    scorer = _scorer(recogniser(), 40)
    assert scorer.end == TOKENS.size
    assert scorer.next_log_probabilities().shape == (1, TOKENS.size + 1)
    assert not scorer.next_log_probabilities().requires_grad


@pytest.mark.parametrize("frames", [(9, 40, 3, 77, 12) * 11, (1,)])
def test_many_utterances_are_encoded_as_if_each_were_alone(frames: tuple[int, ...]) -> None:
    model, batch = recogniser("bilstm"), make_batch(features(*frames))
    together = encoded(model, batch.features_BTF, batch.lengths_B)
    for row, length in enumerate(batch.lengths_B.tolist()):
        alone = model.encoder(batch.features_BTF[row : row + 1, :length], batch.lengths_B[row : row + 1], None)
        torch.testing.assert_close(together[row, :length], alone[0], rtol=1e-4, atol=1e-5)
