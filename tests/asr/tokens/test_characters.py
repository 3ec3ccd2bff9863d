import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.tokens import (
    BLANK,
    ENGLISH,
    CharacterTokens,
    UntokenisableError,
    learn_characters,
    tokens_from_json,
)

words = st.text("abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=6)
texts = st.lists(words, max_size=5).map(" ".join)


@given(texts)
def test_characters_come_back(text: str) -> None:
    tokens = learn_characters([])
    numbers = tokens.encode(text)
    assert tokens.decode(numbers) == text
    assert len(numbers) == len(text)
    assert all(BLANK < number < tokens.size for number in numbers)


def test_the_alphabet_grows_by_what_public_text_holds() -> None:
    tokens = learn_characters(["grün", "5"])
    assert set(tokens.alphabet) == set(ENGLISH) | {"ü", "5"}
    assert tokens.alphabet == "".join(sorted(tokens.alphabet))
    assert tokens.decode(tokens.encode("grün 5")) == "grün 5"


@given(st.text(max_size=12))
def test_every_character_has_one_token_and_unknown_ones_share_the_last(text: str) -> None:
    tokens = learn_characters(["é"])
    numbers = tokens.encode(text)
    assert len(numbers) == len(text)
    assert [n == tokens.size - 1 for n in numbers] == [c not in tokens.alphabet for c in text]
    assert tokens.decode(numbers) == " ".join("".join(c for c in text if c in tokens.alphabet).split())


def test_a_model_of_before_keeps_its_size_and_has_no_unknown_token() -> None:
    tokens = tokens_from_json({"kind": "characters", "alphabet": " ab"})
    assert tokens.size == 4
    assert tokens.to_json() == {"kind": "characters", "alphabet": " ab"}
    with pytest.raises(UntokenisableError, match="'5'"):
        tokens.encode("ab 5")
    assert not tokens.can_write("5")


def test_spaces_are_single() -> None:
    assert CharacterTokens(" ab").decode([1, 2, 1, 1, 3, 1]) == "a b"
