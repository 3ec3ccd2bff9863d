from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.tokens import WordTokens, learn_words

CORPUS = ["turn the light on", "turn the light off", "don't stop the music"]


@given(st.lists(st.sampled_from(sorted({word for text in CORPUS for word in text.split()})), max_size=6))
def test_known_words_come_back(chosen: list[str]) -> None:
    tokens = learn_words(CORPUS)
    numbers = tokens.encode(" ".join(chosen))
    assert len(numbers) == len(chosen)
    assert tokens.decode(numbers) == " ".join(chosen)


def test_unknown_words_share_one_token_and_vanish() -> None:
    tokens = WordTokens(("yes", "no"))
    assert tokens.encode("yes maybe perhaps no") == [1, 3, 3, 2]
    assert tokens.size == 4
    assert tokens.decode([1, 3, 3, 2]) == "yes no"


def test_the_most_frequent_word_comes_first() -> None:
    assert learn_words(["b a", "a c b", "a"]).words == ("a", "b", "c")


class _Counted(tuple[str, ...]):
    """Words that count how often they are gone through."""

    passes = 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        type(self).passes += 1
        return super().__iter__()


def test_the_words_are_numbered_once_however_many_texts_there_are() -> None:
    tokens = WordTokens(_Counted(("yes", "no")))
    assert [tokens.encode("no") for _ in range(50)] == [[2]] * 50
    assert _Counted.passes == 1
