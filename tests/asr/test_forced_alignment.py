import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torchaudio", reason="forced alignment is torchaudio's")

from fedasr.asr.batch import make_batch
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.forced_alignment import REACH_FRAMES, _labels, _path, forced_labels
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens, learn_phones
from fedasr.common.errors import UserError


def _scores(path: list[int], tokens: int = 4) -> torch.Tensor:
    """Scores that say a path beyond doubt."""
    return (20.0 * torch.eye(tokens)[path]).log_softmax(-1)


def _collapsed(path: tuple[int, ...]) -> list[int]:
    return [token for token, _ in itertools.groupby(path) if token]


@given(st.integers(0, 1000), st.lists(st.integers(1, 2), min_size=1, max_size=3))
def test_the_path_is_the_best_of_all_that_say_the_transcript(seed: int, tokens: list[int]) -> None:
    scores = torch.from_numpy(np.random.default_rng(seed).standard_normal((5, 3))).float().log_softmax(-1)
    ways = [way for way in itertools.product(range(3), repeat=5) if _collapsed(way) == tokens]
    if ways:
        best = max(sum(scores[frame, token].item() for frame, token in enumerate(way)) for way in ways)
        found = _path(scores, tokens)
        assert _collapsed(tuple(found)) == tokens
        assert sum(scores[frame, token].item() for frame, token in enumerate(found)) == pytest.approx(best, abs=1e-5)


def test_blanks_between_two_phones_are_divided_and_those_far_from_any_are_silence() -> None:
    assert _labels(_scores([1, 0, 0, 2, 2]), [1, 2]) == [1, 1, 2, 2, 2]
    assert _labels(_scores([0, 1, 0, 1]), [1, 1]) == [1, 1, 1, 1]
    far = [0] * (REACH_FRAMES + 2)
    wanted = [0, 0, *[3] * (2 * REACH_FRAMES + 1), 0, 0]
    assert _labels(_scores([*far, 3, *far]), [3]) == wanted


@given(st.integers(0, 1000), st.integers(1, 12), st.lists(st.integers(1, 3), max_size=12))
def test_every_frame_has_a_label_and_the_phones_stay_in_order(seed: int, frames: int, tokens: list[int]) -> None:
    scores = torch.from_numpy(np.random.default_rng(seed).standard_normal((frames, 4))).float().log_softmax(-1)
    labels = _labels(scores, tokens)
    assert len(labels) == frames
    said = iter(tokens)
    assert all(label in said for label, _ in itertools.groupby(labels) if label)
    repeats = sum(token == following for token, following in itertools.pairwise(tokens))
    if len(tokens) + repeats <= frames and not repeats:
        assert _collapsed(tuple(labels)) == tokens


def test_a_batch_is_aligned_as_each_utterance_is() -> None:
    torch.manual_seed(0)
    tokens = learn_phones([("a", ("x", "y")), ("b", ("z",))])
    model = Recogniser(RecogniserSpec(FeatureSpec(mels=8), EncoderSpec("bilstm", 1, 8, 0.0)), tokens)
    features = [np.random.default_rng(n).standard_normal((n, 8)).astype(np.float16) for n in (40, 22, 31)]
    said = [tokens.encode(text) for text in ("a b a", "b", "b b a")]
    together = forced_labels(model, make_batch(features), said)
    assert together == [
        forced_labels(model, make_batch([one]), [of_one])[0] for one, of_one in zip(features, said, strict=True)
    ]
    assert [len(labels) for labels in together] == [14, 8, 11]


def test_a_head_that_is_no_ctc_aligns_nothing() -> None:
    spec = RecogniserSpec(FeatureSpec(mels=8), EncoderSpec("bilstm", 1, 8), head="frames")
    model = Recogniser(spec, CharacterTokens("ab"))
    with pytest.raises(UserError, match="aligns nothing"):
        forced_labels(model, make_batch([np.zeros((9, 8))]), [[1]])
