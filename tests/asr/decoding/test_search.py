"""The search against all that could be said."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.word_toys import FRAMES, TEXT, WORDS, language, model, scores, sound, speech, spelt, tokens_of

from fedasr.asr.decoding.decoder import Decoder, learnt
from fedasr.asr.decoding.decoding_spec import DecodingSpec
from fedasr.asr.decoding.ngram import learn_ngram
from fedasr.asr.decoding.search import DIGITS, Balance, Pruning
from fedasr.asr.heads.head import ForwardBeam
from fedasr.asr.recogniser import Recogniser

HEADS = ["ctc", "transducer", "joint"]
WIDE = Pruning(10_000, math.inf)
SAME = 10.0**-DIGITS
"""Texts whose scores are nearer are equally good."""


def _texts(made: Recogniser, decoder: Decoder, speech_BTF: torch.Tensor, lengths: list[int], size: int = 1):  # type: ignore[no-untyped-def]
    lengths_B = torch.tensor(lengths)
    with torch.no_grad():
        return decoder.texts(made, made.encode(speech_BTF, lengths_B), lengths_B, size)


@pytest.mark.parametrize("kind", ["characters", "words", "pieces"])
@pytest.mark.parametrize("head", HEADS)
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10_000), order=st.integers(1, 4), weight=st.sampled_from([0.0, 0.4, 1.0, 2.0]),
    bonus=st.sampled_from([-1.0, 0.0, 0.7, 2.5]),
)  # fmt: skip
def test_with_a_wide_beam_the_best_of_all_sequences_of_words_is_found(
    head: str, kind: str, seed: int, order: int, weight: float, bonus: float
) -> None:
    balance, frames = Balance(weight, bonus), {"characters": 4, "pieces": 3, "words": 2}[kind]
    made = model(head, tokens_of(kind), seed)
    heard = speech(made, 1, seed, frames)
    every = scores(made, heard, balance, TEXT, order)
    ranked = sorted(every, key=lambda words: (-round(every[words], DIGITS), spelt(words, made.tokens)))
    decoder = Decoder(WIDE, balance, learn_ngram(TEXT, order))
    (found,) = _texts(made, decoder, heard, [frames], 4)
    names = [tuple(decoder.ngram.words[word] for word in text.words) for text in found]
    assert [text.labels for text in found] == [spelt(words, made.tokens) for words in names]
    np.testing.assert_allclose([text.score(balance) for text in found], [every[w] for w in names], atol=SAME)
    np.testing.assert_allclose([every[w] for w in names], [every[w] for w in ranked[:4]], atol=SAME)
    assert len(found) == 4


@pytest.mark.parametrize("head", HEADS)
def test_without_a_lexicon_the_most_probable_text_is_found(head: str) -> None:
    heard_at_all = set()
    for seed in range(8):
        made = model(head, tokens_of("words"), seed)
        with torch.no_grad():
            for part in made.head.parts().values():
                part.output.bias[0] -= 2.0
        heard = speech(made, 1, seed, 2)
        labels = [one for count in range(3) for one in itertools.product(range(1, made.tokens.size), repeat=count)]
        best = max(labels, key=lambda one: sound(made, heard, one))
        (found,) = _texts(made, Decoder(WIDE, Balance()), heard, [2])
        assert found[0].labels == best
        assert found[0].score(Balance()) == pytest.approx(sound(made, heard, best), abs=SAME)
        heard_at_all.add(best)
    assert len(heard_at_all) > 1


def test_the_parts_of_a_score_are_what_they_are_called() -> None:
    made = model("ctc", tokens_of("characters"), 3)
    heard = speech(made, 1, 3)
    (found,) = _texts(made, Decoder(WIDE, Balance(0.5, 1.0), learn_ngram(TEXT, 2)), heard, [FRAMES], 6)
    for text in found:
        words = tuple(sorted(WORDS)[word] for word in text.words)
        assert text.sound == pytest.approx(sound(made, heard, text.labels), abs=SAME)
        assert text.language == pytest.approx(language(words, TEXT, 2), abs=1e-9)
        assert text.score(Balance(0.5, 1.0)) == pytest.approx(text.sound + 0.5 * text.language + len(words))


@pytest.mark.parametrize("kind", ["characters", "words", "pieces"])
@pytest.mark.parametrize("head", HEADS)
def test_a_batch_is_decoded_as_each_utterance_alone(head: str, kind: str) -> None:
    made = model(head, tokens_of(kind), 5)
    heard, lengths = speech(made, 4, 5, 9), [9, 2, 7, 0]
    decoder = learnt(DecodingSpec("lexicon", beam=4), TEXT)
    assert decoder is not None
    together = _texts(made, decoder, heard, lengths, 3)
    alone = [
        _texts(made, decoder, heard[row : row + 1, : max(frames, 1)], [frames], 3)[0]
        for row, frames in enumerate(lengths)
    ]
    assert [[text.labels for text in texts] for texts in together] == [[t.labels for t in texts] for texts in alone]
    turned = _texts(made, decoder, heard.flip(0), lengths[::-1], 3)
    assert [[text.labels for text in texts] for texts in turned[::-1]] == [[t.labels for t in texts] for texts in alone]
    assert [text.labels for text in together[3]] == [()]


@pytest.mark.parametrize("head", HEADS)
def test_what_sounds_alike_is_ordered_by_token_number(head: str) -> None:
    made = model(head, tokens_of("words"), 0)
    with torch.no_grad():
        for part in made.head.parts().values():
            part.output.weight.zero_()
            part.output.bias.zero_()
            part.output.bias[0] = -1.0
    decoder = Decoder(WIDE, Balance(0.0, 0.0), learn_ngram(WORDS, 1))
    (found,) = _texts(made, decoder, speech(made, 1, 0, 1), [1], 5)
    assert [text.labels for text in found if text.labels] == [(1,), (2,), (3,), (4,)]


def test_a_broken_model_hears_nothing() -> None:
    made = model("ctc", tokens_of("characters"), 0)
    with torch.no_grad():
        made.head.output.weight.fill_(math.nan)
        lengths = torch.tensor([FRAMES])
        decoder = learnt(DecodingSpec("lexicon"), TEXT)
        assert decoder is not None
        assert decoder(made, made.encode(speech(made, 1, 0), lengths), lengths) == [""]


@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_has_only_forward_variables_is_searched_alike(head: str) -> None:
    made = model(head, tokens_of("characters"), 2)
    heard, lengths = speech(made, 1, 2), torch.tensor([FRAMES])
    decoder = learnt(DecodingSpec("lexicon"), TEXT)
    assert decoder is not None
    with torch.no_grad():
        encodings_BTF = made.encode(heard, lengths)
        own = decoder.texts(made, encodings_BTF, lengths, 5)[0]
        made.head.beam = lambda encodings_TF: ForwardBeam(made.head.prefix(encodings_TF[None], lengths))
        other = decoder.texts(made, encodings_BTF, lengths, 5)[0]
    assert [text.labels for text in own] == [text.labels for text in other]
    np.testing.assert_allclose([text.sound for text in own], [text.sound for text in other], atol=SAME)


def test_a_word_of_the_text_that_tokens_cannot_write_is_never_heard() -> None:
    made = model("ctc", tokens_of("characters"), 1)
    decoder = learnt(DecodingSpec("lexicon"), [*TEXT, "é é é", "é"])
    assert decoder is not None
    (found,) = _texts(made, decoder, speech(made, 1, 1), [FRAMES], 50)
    assert len(found) > 5
    assert decoder.ngram is not None
    assert all("é" not in decoder.ngram.words[word] for text in found for word in text.words)
    assert decoder.knows("ab", made.tokens)
    assert not decoder.knows("é", made.tokens)
    assert not decoder.knows("bb", made.tokens)
