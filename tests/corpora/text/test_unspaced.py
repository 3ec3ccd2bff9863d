import pytest

from fedasr.corpora.text import is_unspaced


@pytest.mark.parametrize(
    "text", ["今天天气很好", "play 今天天气很好 now", "きょうはいいてんきです", "วันนี้อากาศดีมากเลยนะ"]
)
def test_a_clause_without_spaces_is_told(text: str) -> None:
    assert is_unspaced(text)


@pytest.mark.parametrize(
    "text", ["", "internationalisation", "今天 天气 很好", "مرحبا بالعالم", "play 音乐 now", "वसुधैव कुटुम्बकम्"]
)
def test_words_between_spaces_are_words(text: str) -> None:
    assert not is_unspaced(text)
