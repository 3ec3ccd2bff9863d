"""A model that is none, or reads its outputs as other characters, is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens, given_characters, learn_characters
from fedasr.common.errors import UserError
from fedasr.runs.model_file import load_model, save_model

SPEC = RecogniserSpec(encoder=EncoderSpec("lstm", 1, 4))


def saved(path: Path, tokens: CharacterTokens, value: float = 0.0) -> Path:
    weights = Recogniser(SPEC, tokens).weights()
    weights[min(weights)].flat[0] = value
    save_model(path, weights, SPEC, tokens)
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(value: float, tmp_path: Path) -> None:
    load_model(saved(tmp_path / "good.safetensors", learn_characters([])))
    with pytest.raises(UserError, match=r"bad\.safetensors: its weights hold values that are not finite in '"):
        load_model(saved(tmp_path / "bad.safetensors", learn_characters([]), value))


@pytest.mark.parametrize("alphabet", ["ba", "aab"])
def test_a_permuted_alphabet_is_refused(alphabet: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="its alphabet is not in the order in which it was learnt"):
        load_model(saved(tmp_path / "x.safetensors", CharacterTokens(alphabet)))


def test_an_alphabet_that_was_given_goes_with_the_model(tmp_path: Path) -> None:
    tokens = given_characters("zab \u00e9")
    assert tokens.alphabet == " abz\u00e9"
    assert load_model(saved(tmp_path / "x.safetensors", tokens)).tokens == tokens
    assert tokens.decode(tokens.encode("zebra")) == "zba"
