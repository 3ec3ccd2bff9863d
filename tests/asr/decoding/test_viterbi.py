import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedasr.asr.decoding.ngram import learn_ngram
from fedasr.asr.decoding.search import Balance, Pruning
from fedasr.asr.decoding.viterbi import SOUND, STEP, best_text
from fedasr.asr.decoding.word_network import NOWHERE, word_network

WIDE = Pruning(10_000, 1e9)
SENTENCES = ["a b", "a c a", "b b c", "c", "a b", "c a b"]
SAID = {0: [(1, 2)], 1: [(2,), (3, 1)], 2: [(3, 2, 1)]}  # "a", "b" in two ways, "c"


def _scores(seed: int, frames: int, phones: int = 4) -> np.ndarray:
    random = np.random.default_rng(seed)
    scores = 2 * random.standard_normal((frames, phones))
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def _alignment(scores: np.ndarray, units: list[list[int]]) -> float:
    """The best path through phones, an optional silence before each unit and behind the last; plain recursion."""
    states, skips = [0], {0}
    for unit in units:
        states += [*unit, 0]
        skips.add(len(states) - 1)
    best = np.full(len(states), -np.inf)
    best[0] = scores[0, states[0]]
    if len(states) > 1:
        best[1] = scores[0, states[1]]
    for frame in scores[1:]:
        before = best.copy()
        for place, phone in enumerate(states):
            ways = [before[place]]
            if place:
                ways.append(before[place - 1])
            if place > 1 and place - 1 in skips:
                ways.append(before[place - 2])
            best[place] = max(ways) + frame[phone]
    ends = [best[-1]] + ([best[-2]] if len(states) > 1 else [])
    return max(ends)


def _by_all_sequences(scores: np.ndarray, ngram, balance: Balance, longest: int) -> list[tuple[float, tuple[int, ...]]]:
    found = []
    for count in range(longest + 1):
        for words in itertools.product(range(len(ngram.words)), repeat=count):
            ways = itertools.product(*(SAID[word] for word in words))
            sound = max(_alignment(scores, [list(way) for way in chosen]) for chosen in ways)
            language = balance.language * ngram.sentence_log_probability(words) + balance.word_bonus * count
            found.append((SOUND * sound + language, words))
    return sorted(found, reverse=True)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000), frames=st.integers(1, 5), order=st.integers(1, 3),
    weight=st.sampled_from([0.0, 0.3, 1.0]), bonus=st.sampled_from([-0.5, 0.0, 1.5]),
)  # fmt: skip
def test_it_finds_the_best_of_all_sequences_of_words(
    seed: int, frames: int, order: int, weight: float, bonus: float
) -> None:
    ngram, balance, scores = learn_ngram(SENTENCES, order), Balance(weight, bonus), _scores(seed, frames)
    found = best_text(scores, word_network(ngram, SAID), balance, WIDE)
    assert found is not None
    wanted = _by_all_sequences(scores, ngram, balance, frames)  # a word takes a frame at least
    rounded = STEP * (2 * frames + 2)  # a half of each frame's, word's and the end's, of both texts
    of_found = next(score for score, words in wanted if words == found.words)
    assert of_found >= wanted[0][0] - rounded
    assert found.score(balance) == pytest.approx(of_found, abs=rounded)
    assert found.language == pytest.approx(ngram.sentence_log_probability(found.words))


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), order=st.integers(1, 3))
def test_a_narrow_beam_finds_nothing_better(seed: int, order: int) -> None:
    ngram, scores = learn_ngram(SENTENCES, order), _scores(seed, 12)
    network, balance = word_network(ngram, SAID), Balance(0.5, 0.5)
    wide, narrow = (best_text(scores, network, balance, pruning) for pruning in (WIDE, Pruning(1, 2.0)))
    assert wide is not None
    assert narrow is None or narrow.score(balance) <= wide.score(balance) + 1e-9


@given(seed=st.integers(0, 10_000))
def test_what_a_batch_does_to_the_last_bits_changes_no_text(seed: int) -> None:
    """Rounding hides differences of float32, unless a score lies at the border of a step."""
    scores = np.round(_scores(seed, 10) / STEP) * STEP / SOUND
    noise = 1e-5 * np.random.default_rng(seed).uniform(-1, 1, scores.shape)
    network = word_network(learn_ngram(SENTENCES, 2), SAID)
    assert best_text(scores, network, Balance(0.5), WIDE) == best_text(scores + noise, network, Balance(0.5), WIDE)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_network_goes_where_the_ngram_goes(order: int) -> None:
    ngram = learn_ngram(SENTENCES, order)
    network = word_network(ngram, {word: SAID[word] for word in (0, 2)})
    for node, context in enumerate(network.contexts):
        language, nodes = network.followers(node)
        for word in range(3):
            assert language[word] == pytest.approx(ngram.log_probability(context, word))
            if word == 1:
                assert nodes[word] == NOWHERE  # it has no pronunciation
            else:
                assert network.contexts[nodes[word]] == ngram.after(context, word)
                assert network.words_N[nodes[word]] == word


def test_silence_is_no_word_and_a_broken_model_says_nothing() -> None:
    network = word_network(learn_ngram(SENTENCES, 2), SAID)
    silent = np.log(np.full((6, 4), 1e-3))
    silent[:, 0] = 0.0
    found = best_text(silent, network, Balance(1.0), WIDE)
    assert found is not None
    assert found.words == ()
    assert best_text(np.full((3, 4), np.nan), network, Balance(1.0), WIDE) is None
