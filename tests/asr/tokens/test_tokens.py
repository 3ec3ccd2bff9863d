import json

import pytest

from fedasr.asr.tokens import BLANK, Tokens, learn_characters, learn_phones, learn_pieces, learn_words, tokens_from_json

CORPUS = ["turn the light on", "turn the light off", "don't stop the music", "play it again in the kitchen"] * 4
SPELT = learn_phones((word, tuple(word)) for text in CORPUS for word in text.split())
ALL: list[Tokens] = [learn_characters(CORPUS), learn_words(CORPUS), learn_pieces(CORPUS, 32), SPELT]
each = pytest.mark.parametrize("tokens", ALL, ids=["characters", "words", "pieces", "phones"])


@each
def test_json_makes_the_same_tokens_again(tokens: Tokens) -> None:
    again = tokens_from_json(json.loads(json.dumps(tokens.to_json())))
    assert type(again) is type(tokens)
    assert again.size == tokens.size
    assert again.to_json() == tokens.to_json()
    for text in [*CORPUS, "ünknown 日 zzz"]:
        assert again.encode(text) == tokens.encode(text)


@each
def test_blanks_vanish(tokens: Tokens) -> None:
    spread = [number for code in tokens.encode("turn the light on") for number in (BLANK, code, BLANK)]
    assert tokens.decode(spread) == "turn the light on"
    assert tokens.decode([BLANK]) == ""


@each
def test_what_is_unknown_is_a_token_that_writes_nothing(tokens: Tokens) -> None:
    numbers = tokens.encode("turn 日本 the light 語")
    assert all(BLANK < number < tokens.size for number in numbers)
    assert tokens.decode(numbers) == "turn the light"
    assert not tokens.can_write("日")
    assert tokens.encode("日") == tokens.encode("日")


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="runes"):
        tokens_from_json({"kind": "runes"})
