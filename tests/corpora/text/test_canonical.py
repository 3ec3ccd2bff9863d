import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.corpora.text import canonical, canonical_name, half_characters

SPACES = "".join(chr(c) for c in range(sys.maxunicode + 1) if chr(c).isspace())
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u180b\u180e\u200b\u200e\u200f\u202a\u202e\u2060\u2064\u2066\u2069\u206f\u3164\ufe0f\ufeff"
    "\U000e0041\x00\x07\x7f\x9f\ufdd0\uffff\U0010fffe"
)
_LETTERS_AND_MARKS = "aA é\u0301\u0327\u094d\u0915\u0937\u200c\u200d'’.1İΣ\u2028\u00a0\ud83d"
TRICKY = st.text(st.sampled_from(_LETTERS_AND_MARKS + INVISIBLE), max_size=12)
TEXTS = st.one_of(TRICKY, st.text(max_size=20))


@given(TEXTS)
def test_a_form_is_its_own_form(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)


@given(TEXTS)
def test_what_is_left_is_composed_visible_and_on_one_line(text: str) -> None:
    found = canonical(text)
    assert unicodedata.is_normalized("NFC", found)
    assert found == " ".join(found.split())
    assert not set(found) & (set(INVISIBLE) | set(SPACES) - {" "})


@given(TEXTS)
def test_both_normal_forms_of_a_text_have_one_form(text: str) -> None:
    assert canonical(unicodedata.normalize("NFD", text)) == canonical(unicodedata.normalize("NFC", text))


@given(st.text(st.characters(categories=["Lu", "Ll", "Nd", "Po", "Sc"], exclude_characters=INVISIBLE)))
def test_visible_characters_are_all_kept(text: str) -> None:
    assert canonical(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("mark", INVISIBLE)
def test_an_invisible_mark_leaves_a_word_whole(mark: str) -> None:
    assert canonical(f"{mark}fo{mark}{mark}o{mark}") == "foo"


@pytest.mark.parametrize("space", SPACES)
def test_white_space_of_any_kind_is_one_space(space: str) -> None:
    assert canonical(f"{space}one{space}{space}two{space}") == "one two"


@pytest.mark.parametrize(
    "word",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: I want
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala: sri
        "\u09b0\u200d\u09cd\u09af\u09be\u09ae",  # Bengali: ra, joiner, virama, ya
        "\u0d05\u0d35\u0d28\u0d4d\u200d",  # Malayalam: he, its last letter a half form
    ],
)
def test_joiners_that_belong_to_the_spelling_stay(word: str) -> None:
    assert canonical(word) == word
    assert canonical(f" {word}\n{word}") == f"{word} {word}"


@pytest.mark.parametrize("joiner", "\u200c\u200d")
def test_joiners_that_join_nothing_are_removed(joiner: str) -> None:
    assert canonical(f"{joiner}one{joiner} {joiner}2{joiner}x{joiner}. {joiner}") == "one 2x."
    assert canonical(f"e{joiner}\u0301") == "é"
    assert canonical(f"a{joiner}{joiner}b") == f"a{joiner}b"


def test_a_person_has_one_name_however_it_is_encoded() -> None:
    assert canonical_name("Jose\u0301 ") == canonical_name("Jos\u00e9") == "Jos\u00e9"
    assert canonical_name("José") != canonical_name("Jose")


def test_half_characters_are_told_by_their_number() -> None:
    assert half_characters("ha \ud83d ha \udc00\ud83d") == ("U+D83D", "U+DC00")
    assert half_characters("whole 😀 é") == ()


@given(TEXTS)
def test_a_text_without_half_characters_can_be_written(text: str) -> None:
    if half_characters(text):
        with pytest.raises(UnicodeEncodeError):
            text.encode()
    else:
        text.encode()
