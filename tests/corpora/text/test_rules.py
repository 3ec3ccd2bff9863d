import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.text.test_canonical import TEXTS
from fedasr.asr.word_errors import count_errors
from fedasr.corpora.text import canonical, half_characters, normal_text, plain_text

RULES = [normal_text, plain_text]


@pytest.mark.parametrize("rule", RULES)
@given(text=TEXTS)
def test_a_transcript_by_a_rule_is_its_own_transcript_and_canonical(rule, text: str) -> None:  # type: ignore[no-untyped-def]
    found = rule(text)
    assert rule(found) == found == canonical(found)


@pytest.mark.parametrize("rule", RULES)
def test_a_word_in_two_normal_forms_is_heard_without_error(rule) -> None:  # type: ignore[no-untyped-def]
    assert count_errors(rule("café"), rule("cafe\u0301")).errors == 0
    assert rule("cafe\u0301") == "caf\u00e9"


def test_half_a_character_is_not_dropped_in_silence() -> None:
    assert half_characters(plain_text("ha, \ud83d!")) == ("U+D83D",)


@given(st.text(max_size=20))
def test_a_plain_text_says_what_the_normal_text_says(text: str) -> None:
    assert plain_text(normal_text(text)) == plain_text(text)


def test_case_goes_and_punctuation_stays_in_a_normal_text() -> None:
    assert normal_text("  Don't\tPANIC, “Élan”!\n") == "don't panic, “élan”!"


def test_case_and_punctuation_go_and_numbers_stay_in_a_plain_text() -> None:
    assert plain_text("— Don’t PANIC, 'tis 42%: “Élan” 'x' ' !") == "don't panic 'tis 42 élan 'x'"


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("Zu\u00adsammen\u00adarbeit", "zusammenarbeit"),
        ("foo\u200bbar", "foobar"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"),
        ("\u200ehello\u200f", "hello"),
        ("\u0e19\u0e49\u0e33", "\u0e19\u0e49\u0e33"),
        ("cafe\u0301", "café"),
        ("\u0915\u094d\u0937\u093f", "\u0915\u094d\u0937\u093f"),
    ],
)
def test_a_word_stays_one_word_with_its_marks_and_joiners(written: str, word: str) -> None:
    assert plain_text(written) == word
