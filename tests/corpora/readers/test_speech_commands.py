from pathlib import Path

import pytest
from support.corpora import whole
from support.sound import record

from fedasr.common.errors import UserError
from fedasr.corpora.readers.speech_commands import read_speech_commands


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    root = tmp_path / "SpeechCommands" / "speech_commands_v0.02"
    for word, name in (("down", "0a_nohash_0"), ("down", "0b_nohash_0"), ("up", "0a_nohash_1")):
        record(root / word / f"{name}.wav", 1.0)
    record(root / "_background_noise_" / "tap.wav", 1.0)
    (root / "testing_list.txt").write_text("down/0b_nohash_0.wav\n")
    (root / "validation_list.txt").write_text("")
    return tmp_path


@pytest.mark.parametrize("inside", ["", "SpeechCommands", "SpeechCommands/speech_commands_v0.02"])
def test_each_clip_is_an_utterance(commands: Path, inside: str) -> None:
    utterances = whole(read_speech_commands(commands / inside))
    assert [(u.id, u.speaker, u.text) for u in utterances] == [
        ("down/0a_nohash_0.wav", "0a", "down"),
        ("down/0b_nohash_0.wav", "0b", "down"),
        ("up/0a_nohash_1.wav", "0a", "up"),
    ]
    assert all(len(u.audio.read(16_000)) == 16_000 == 16_000 * u.duration_seconds for u in utterances)


def test_the_folder_may_have_another_name(commands: Path) -> None:
    (commands / "SpeechCommands" / "speech_commands_v0.02").rename(commands / "my.words")
    assert len(whole(read_speech_commands(commands / "my.words"))) == 3


def test_subsets_are_the_corpus_own(commands: Path) -> None:
    assert [u.speaker for u in whole(read_speech_commands(commands, "testing"))] == ["0b"]
    assert [u.speaker for u in whole(read_speech_commands(commands, "training"))] == ["0a", "0a"]
    with pytest.raises(UserError, match="did you mean 'testing'"):
        whole(read_speech_commands(commands, "test"))


def test_what_is_missing_is_named(commands: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"looked for speech_commands_v0\.02/WORD.*manifest"):
        whole(read_speech_commands(tmp_path / "none"))
    (commands / "SpeechCommands/speech_commands_v0.02/testing_list.txt").unlink()
    with pytest.raises(UserError, match=r"testing_list\.txt: no such list"):
        whole(read_speech_commands(commands, "testing"))
