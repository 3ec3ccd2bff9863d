from fedasr.asr.tokens import PhoneTokens, learn_phones
from fedasr.asr.tokens.phones import MOST_PRONUNCIATIONS

TO, TWO, DAY, TODAY = ("t", "u"), ("t", "u"), ("d", "e"), ("t", "u", "d", "e")
ODD = learn_phones([("to", TO), ("day", DAY), ("the", ("dh", "i")), ("the", ("dh", "a")), ("the", ("dh", "a"))])


def test_a_word_is_said_as_it_usually_is() -> None:
    assert [ODD.phones[number - 1] for number in ODD.encode("the day")] == ["dh", "a", "d", "e"]
    assert len(ODD.pronunciations["the"]) == 2


def test_phones_are_words_where_they_can_be_no_others() -> None:
    assert ODD.decode(ODD.encode("to day the to")) == "to day the to"
    assert ODD.decode(ODD.numbered(["dh", "i", "t", "u"])) == "the to"
    homophones = learn_phones([("to", TO), ("two", TWO), ("day", DAY)])
    assert homophones.decode(homophones.encode("to day")) == "t u d e"
    divided = learn_phones([("to", TO), ("day", DAY), ("today", TODAY)])
    assert divided.decode(divided.encode("today")) == "t u d e"
    assert divided.decode(divided.encode("day day")) == "day day"


def test_phones_that_make_no_words_stay_phones() -> None:
    assert ODD.decode(ODD.numbered(["t", "e"])) == "t e"


def test_silence_is_token_0_and_a_strange_phone_the_last() -> None:
    assert ODD.numbered(["", "x", "t"]) == [0, ODD.size - 1, 1 + ODD.phones.index("t")]
    assert ODD.size == len(ODD.phones) + 2


def test_rare_pronunciations_are_dropped() -> None:
    said = [("a", (f"p{way}",)) for way in range(MOST_PRONUNCIATIONS + 3) for _ in range(way + 1)]
    tokens = learn_phones(said)
    assert len(tokens.pronunciations["a"]) == MOST_PRONUNCIATIONS
    assert tokens.pronunciations["a"][0] == tuple(tokens.numbered([f"p{MOST_PRONUNCIATIONS + 2}"]))


def test_phones_of_transcripts_are_read_from_no_alignments() -> None:
    assert not ODD.aligned_by
    assert PhoneTokens(ODD.phones, ODD.dictionary, "espeak").to_json()["aligned_by"] == "espeak"
