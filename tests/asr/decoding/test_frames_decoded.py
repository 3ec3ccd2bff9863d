"""A model of frames and a decoder with words, together."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.decoder import Decoder, learnt
from fedasr.asr.decoding.decoding_spec import DecodingSpec
from fedasr.asr.decoding.tuning import GRID
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import learn_phones
from fedasr.common.errors import RowError

SENTENCES = ("one two", "two one one", "on", "one on two")
SAID = (("one", ("w", "n")), ("two", ("t", "u")), ("on", ("o", "n")))
PHONES = replace(learn_phones(SAID), aligned_by="made up")


def _model(tokens=PHONES, seed: int = 0) -> Recogniser:
    torch.manual_seed(seed)
    model = Recogniser(RecogniserSpec(FeatureSpec(mels=8), EncoderSpec("bilstm", 1, 16, 0.0), head="frames"), tokens)
    with torch.no_grad():
        model.head.output.weight.mul_(20)  # type: ignore[union-attr, operator]
    return model


def _decoder(method: str = "lexicon", sentences: tuple[str, ...] = SENTENCES) -> Decoder:
    made = learnt(DecodingSpec(method), sentences)
    assert made is not None
    return made


def _utterances() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.standard_normal((frames, 8)).astype(np.float16) for frames in (70, 12, 33, 3, 51)]


def test_an_utterance_is_heard_alike_in_any_batch() -> None:
    model, decoder, utterances = _model(), _decoder(), _utterances()
    together = model.hear(make_batch(utterances), decode=decoder).decoded
    assert together == [model.hear(make_batch([one]), decode=decoder).decoded[0] for one in utterances]
    assert len(set(together)) > 2
    assert all(word in ("one", "two", "on") for text in together for word in text.split())


def test_a_decoder_that_crossed_to_another_process_decodes_alike() -> None:
    decoder = replace(_decoder(sentences=(*SENTENCES, "no")), pronunciations=(("no", "n o"),))
    again = pickle.loads(pickle.dumps(decoder))
    assert again == decoder != _decoder(sentences=(*SENTENCES, "no"))
    batch = make_batch(_utterances())
    assert _model().hear(batch, decode=again).decoded == _model().hear(batch, decode=decoder).decoded


def test_words_that_public_speech_does_not_say_are_heard_by_their_pronunciation() -> None:
    decoder = _decoder(sentences=("no no", "no"))
    assert not decoder.knows("no", PHONES)
    assert set(_model().hear(make_batch(_utterances()), decode=decoder).decoded) == {""}
    more = replace(decoder, pronunciations=(("no", "n o"),))
    assert more.knows("no", PHONES)
    assert "no" in " ".join(_model().hear(make_batch(_utterances()), decode=more).decoded).split()


def test_each_balance_of_the_grid_finds_its_best_text_in_the_list() -> None:
    model, decoder, batch = _model(), _decoder(), make_batch(_utterances())
    encodings = model.encode(batch.features_BTF, batch.lengths_B)
    lists = decoder.texts(model, encodings, batch.lengths_B, size=50)
    for balance in GRID:
        alone = decoder.balanced(balance).texts(model, encodings, batch.lengths_B)
        for texts, (best,) in zip(lists, alone, strict=True):
            assert min(texts, key=lambda text, b=balance: -round(text.score(b), 2)).score(balance) == pytest.approx(
                best.score(balance), abs=0.02
            )


def test_frames_without_words_are_no_texts() -> None:
    with pytest.raises(RowError, match="with a lexicon, or greedily"):
        _model().hear(make_batch(_utterances()), decode=_decoder("beam"))
