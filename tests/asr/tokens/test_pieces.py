import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.tokens import BLANK, PieceTokens, learn_pieces, least_pieces, tokens_from_json
from fedasr.corpora.text import canonical, normal_text

CORPUS = ["turn the light on", "turn the light off", "don't stop the music", "play it again in the kitchen"] * 4
AWKWARD = [
    "\u0e19\u0e49\u0e33 \u0e17\u0e33 \u0e04\u0e33",  # Thai with sara am
    "½ ² ™ … № ŀ ﬁ",
    "ｆｕｌｌ ｱｲｳ Ａ",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian with ZWNJ
    "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala with ZWJ
    "a▁b ▅ ▁",
    "<unk> <s> </s> ⁇",
    "한국어 日本語 😀",
    "x " * 3000 + "ž",
    "m" * 5000,
]
transcripts = st.lists(st.text(max_size=12).map(normal_text).filter(bool), min_size=1, max_size=4)


@pytest.mark.parametrize("text", sorted(set(CORPUS)))
def test_pieces_come_back(text: str) -> None:
    tokens = learn_pieces(CORPUS, 32)
    numbers = tokens.encode(text)
    assert tokens.decode(numbers) == text
    assert all(BLANK < number < tokens.size for number in numbers)
    assert tokens.size <= 33


@given(transcripts)
def test_a_transcript_that_was_learnt_from_comes_back_as_it_is(texts: list[str]) -> None:
    tokens = learn_pieces(texts, 500)
    assert [tokens.decode(tokens.encode(text)) for text in texts] == texts


@pytest.mark.parametrize("text", [canonical(text) for text in AWKWARD])
def test_awkward_transcripts_come_back_as_they_are(text: str) -> None:
    tokens = learn_pieces([text, "and the rest"] * 2, 200)
    assert tokens.decode(tokens.encode(text)) == text


@given(transcripts)
def test_fewer_pieces_than_characters_cannot_be_learnt(texts: list[str]) -> None:
    least = least_pieces(texts)
    assert [learn_pieces(texts, least).decode(learn_pieces(texts, least).encode(text)) for text in texts] == texts
    with pytest.raises(RuntimeError):
        learn_pieces(texts, least - 1)


def test_pieces_do_not_depend_on_what_was_learnt_before() -> None:
    first = learn_pieces(CORPUS, 24)
    learn_pieces(["something else entirely"] * 9, 20)
    assert learn_pieces(CORPUS, 24).model == first.model
    assert isinstance(first, PieceTokens)


def test_what_is_heard_has_single_spaces() -> None:
    tokens = learn_pieces(CORPUS, 32)
    space = tokens.encode("the")[0:1]
    assert "  " not in tokens.decode(space * 3 + tokens.encode("the light") + space * 2)


def test_a_model_of_before_still_rewrites_and_it_is_known_which_characters() -> None:
    """Models learnt by SentencePiece's own rule write ½ as three characters."""
    old = tokens_from_json({"kind": "pieces", "model": _learnt_by_the_default_rule("half is ½ or 1⁄2")})
    assert old.decode(old.encode("½")) == "1⁄2"
    assert not old.can_write("½")
    assert old.can_write("h")


def _learnt_by_the_default_rule(text: str) -> str:
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text] * 3), model_writer=model, vocab_size=30, hard_vocab_limit=False,
        character_coverage=1.0, bos_id=-1, eos_id=-1, num_threads=1, minloglevel=2,
    )  # fmt: skip
    return base64.b64encode(model.getvalue()).decode()
