"""N-grams: they add up, and are what the definition says."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.word_toys import language

from fedasr.asr.decoding.ngram import END, learn_ngram

sentences = st.lists(st.lists(st.sampled_from("abcd"), max_size=5).map(" ".join), min_size=1, max_size=8).filter(
    lambda texts: any(texts)
)
orders = st.integers(1, 4)


@given(sentences, orders, st.lists(st.integers(0, 3), max_size=5))
def test_the_probabilities_after_any_history_sum_to_one(texts: list[str], order: int, history: list[int]) -> None:
    ngram = learn_ngram(texts, order)
    state = ngram.start
    for word in history:
        state = ngram.after(state, word % len(ngram.words))
    total = math.fsum(math.exp(ngram.log_probability(state, word)) for word in [*range(len(ngram.words)), END])
    assert total == pytest.approx(1, abs=1e-12)


@given(sentences, orders, st.lists(st.integers(0, 3), max_size=5))
def test_a_sentence_is_as_probable_as_the_definition_says(texts: list[str], order: int, said: list[int]) -> None:
    ngram = learn_ngram(texts, order)
    numbers = [word % len(ngram.words) for word in said]
    names = [ngram.words[number] for number in numbers]
    assert ngram.sentence_log_probability(numbers) == pytest.approx(language(names, texts, order), abs=1e-9)


def test_one_sentence_is_enough() -> None:
    ngram = learn_ngram(["a b"], 3)
    assert ngram.sentence_log_probability([0, 1]) > ngram.sentence_log_probability([1, 0]) > -math.inf


def test_what_is_sent_brings_nothing_that_was_looked_up() -> None:
    ngram = learn_ngram(["a b", "b a a"], 3)
    before = len(pickle.dumps(ngram))
    value = ngram.sentence_log_probability([0, 1])
    assert len(pickle.dumps(ngram)) == before
    assert pickle.loads(pickle.dumps(ngram)).sentence_log_probability([0, 1]) == value
