"""A decoder's file: what is written is read, and what is none is one line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedasr.asr.decoding.decoder import Decoder, learnt
from fedasr.asr.decoding.decoding_spec import DecodingSpec
from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.runs.decoder_file import chosen_decoder, load_decoder, save_decoder

TEXT = ("one two", "two two é", "three")


def _decoder(method: str = "lexicon", **settings: Any) -> Decoder:
    made = learnt(DecodingSpec(method, **settings), TEXT)
    assert made is not None
    return made


@pytest.mark.parametrize(
    "decoder",
    [
        _decoder(),
        _decoder("beam"),
        _decoder(order=1),
        _decoder(order=5, beam=3, language_weight=0.7, word_bonus=-1.0),
        replace(_decoder(), pronunciations=(("two", "t uː"), ("two", "t ə"))),
    ],
    ids=["lexicon", "beam", "unigram", "stated", "pronounced"],
)
def test_what_is_written_is_read(tmp_path: Path, decoder: Decoder) -> None:
    save_decoder(tmp_path / "d.safetensors", decoder)
    again = load_decoder(tmp_path / "d.safetensors")
    assert again == decoder
    assert (again.pruning, again.balance) == (decoder.pruning, decoder.balance)
    if decoder.ngram is not None:
        assert again.ngram is not None
        numbers = [decoder.ngram.words.index(word) for word in ["two", "two", "one"]]
        assert again.ngram.sentence_log_probability(numbers) == decoder.ngram.sentence_log_probability(numbers)


def test_decoders_that_differ_in_anything_are_not_one() -> None:
    decoders = [
        _decoder(), _decoder(order=2), _decoder(beam=3), _decoder(drop=3.0), _decoder("beam"),
        _decoder(language_weight=1.0, word_bonus=0.0),
    ]  # fmt: skip
    assert len(set(decoders)) == len(decoders)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays, about: about["decoder"].pop("words"),
        lambda arrays, about: about["decoder"].update(order=9),
        lambda arrays, about: about["decoder"].update(words=["one"]),
        lambda arrays, about: about["decoder"].update(pruning={"width": 3}),
        lambda arrays, about: about.pop("decoder"),
        lambda arrays, about: arrays.update({"grams.2": np.zeros((3, 7), np.int64)}),
        lambda arrays, about: arrays.update({"grams.1": -np.ones((3, 2), np.int64)}),
    ],
)
def test_what_is_spoilt_is_refused(tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / "decoder.safetensors"
    save_decoder(path, _decoder())
    arrays, about = load_arrays(path)
    spoil(arrays, about)
    save_arrays(path, arrays, about)
    with pytest.raises(UserError, match=r"decoder\.safetensors: not a decoder"):
        load_decoder(path)


def test_a_model_is_decoded_by_what_lies_beside_it(tmp_path: Path) -> None:
    model, other = tmp_path / "row" / "model.safetensors", tmp_path / "other" / "decoder.safetensors"
    model.parent.mkdir()
    model.touch()
    assert chosen_decoder(model, None) is None
    save_decoder(model.parent / "decoder.safetensors", _decoder())
    save_decoder(other, _decoder(beam=3))
    assert chosen_decoder(model, None) == chosen_decoder(model.parent, None) == _decoder()
    assert chosen_decoder(model, "greedy") is None
    assert chosen_decoder(model, other) == chosen_decoder(model, str(other.parent)) == _decoder(beam=3)
    with pytest.raises(UserError, match="no such file"):
        chosen_decoder(model, tmp_path)
