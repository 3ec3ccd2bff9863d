import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.tokens import (
    BLANK,
    ENGLISH,
    CharacterTokens,
    PieceTokens,
    Tokens,
    UntokenisableError,
    WordTokens,
    learn_characters,
    learn_pieces,
    learn_words,
    tokens_from_json,
)

CORPUS = ["turn the light on", "turn the light off", "don't stop the music", "play it again in the kitchen"] * 4
ALL: list[Tokens] = [learn_characters(CORPUS), learn_words(CORPUS), learn_pieces(CORPUS, 32)]
words = st.text("abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=6)
texts = st.lists(words, max_size=5).map(" ".join)


@given(texts)
def test_characters_come_back(text: str) -> None:
    tokens = learn_characters([])
    numbers = tokens.encode(text)
    assert tokens.decode(numbers) == text
    assert len(numbers) == len(text)
    assert all(BLANK < number < tokens.size for number in numbers)


@given(st.lists(st.sampled_from(sorted({word for text in CORPUS for word in text.split()})), max_size=6))
def test_known_words_come_back(chosen: list[str]) -> None:
    tokens = learn_words(CORPUS)
    numbers = tokens.encode(" ".join(chosen))
    assert len(numbers) == len(chosen)
    assert tokens.decode(numbers) == " ".join(chosen)


@pytest.mark.parametrize("text", sorted(set(CORPUS)))
def test_pieces_come_back(text: str) -> None:
    tokens = learn_pieces(CORPUS, 32)
    numbers = tokens.encode(text)
    assert tokens.decode(numbers) == text
    assert all(BLANK < number < tokens.size for number in numbers)
    assert tokens.size <= 33


@pytest.mark.parametrize("tokens", ALL, ids=["characters", "words", "pieces"])
def test_json_makes_the_same_tokens_again(tokens: Tokens) -> None:
    again = tokens_from_json(json.loads(json.dumps(tokens.to_json())))
    assert type(again) is type(tokens)
    assert again.size == tokens.size
    assert again.to_json() == tokens.to_json()
    for text in CORPUS:
        assert again.encode(text) == tokens.encode(text)


@pytest.mark.parametrize("tokens", ALL, ids=["characters", "words", "pieces"])
def test_blanks_vanish(tokens: Tokens) -> None:
    spread = [number for code in tokens.encode("turn the light on") for number in (BLANK, code, BLANK)]
    assert tokens.decode(spread) == "turn the light on"
    assert tokens.decode([BLANK]) == ""


def test_a_character_without_token_is_named() -> None:
    with pytest.raises(UntokenisableError, match="'5'"):
        learn_characters(["abc"]).encode("abc 5")


def test_the_alphabet_grows_by_what_public_text_holds() -> None:
    tokens = learn_characters(["grün", "5"])
    assert set(tokens.alphabet) == set(ENGLISH) | {"ü", "5"}
    assert tokens.alphabet == "".join(sorted(tokens.alphabet))
    assert tokens.decode(tokens.encode("grün 5")) == "grün 5"


def test_unknown_words_share_one_token_and_vanish() -> None:
    tokens = WordTokens(("yes", "no"))
    assert tokens.encode("yes maybe perhaps no") == [1, 3, 3, 2]
    assert tokens.size == 4
    assert tokens.decode([1, 3, 3, 2]) == "yes no"


def test_the_most_frequent_word_comes_first() -> None:
    assert learn_words(["b a", "a c b", "a"]).words == ("a", "b", "c")


def test_pieces_do_not_depend_on_what_was_learnt_before() -> None:
    first = learn_pieces(CORPUS, 24)
    learn_pieces(["something else entirely"] * 9, 20)
    assert learn_pieces(CORPUS, 24).model == first.model
    assert isinstance(first, PieceTokens)


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="runes"):
        tokens_from_json({"kind": "runes"})


def test_spaces_are_single() -> None:
    tokens = CharacterTokens(" ab")
    assert tokens.decode([1, 2, 1, 1, 3, 1]) == "a b"
