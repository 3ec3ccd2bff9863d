from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.tokens import CharacterTokens, learn_characters, learn_pieces, learn_words, unwritten_in

TEXTS = st.lists(st.text("ab é日", max_size=6), max_size=6)


@given(TEXTS)
def test_every_unknown_character_is_counted_and_spaces_are_none(texts: list[str]) -> None:
    tokens = learn_characters([])
    found = unwritten_in(texts, tokens)
    assert sum(found.counts.values()) == sum(text.count(c) for text in texts for c in "é日")
    assert found.texts == sum("é" in text or "日" in text for text in texts)
    assert found.of == len(texts)
    assert bool(found) == bool(found.counts)


@given(TEXTS)
def test_a_model_of_before_cannot_write_what_it_has_no_token_for(texts: list[str]) -> None:
    found = unwritten_in(texts, CharacterTokens(" ab"))
    assert found == unwritten_in(texts, learn_characters([]))


def test_words_are_counted_where_tokens_are_words() -> None:
    found = unwritten_in(["yes maybe", "maybe no", "yes"], learn_words(["yes no"]))
    assert (found.unit, found.counts, found.texts, found.of) == ("words", {"maybe": 2}, 2, 3)


def test_pieces_write_any_word_of_their_characters() -> None:
    found = unwritten_in(["abba", "abc", "cab d"], learn_pieces(["ab", "ba"], 20))
    assert (found.unit, dict(found.counts), found.texts) == ("characters", {"c": 2, "d": 1}, 2)


def test_the_most_frequent_are_named_with_their_numbers() -> None:
    found = unwritten_in(["’é’", "".join(chr(0x4E00 + n) for n in range(9))], learn_characters([]))
    assert found.names.startswith("'’' (U+2019), 'é' (U+00E9), '一' (U+4E00)")
    assert found.names.endswith("and 3 more")
