"""Our walks through the folders of known corpora find what torchaudio's find, in their order."""

from pathlib import Path

import pytest
from support.corpora import whole
from support.sound import record

from fedasr.corpora.readers.librispeech import read_librispeech
from fedasr.corpora.readers.speech_commands import read_speech_commands
from fedasr.corpora.readers.vctk import read_vctk
from fedasr.corpora.utterance import Utterance

datasets = pytest.importorskip("torchaudio.datasets", reason="torchaudio is not installed")


def paths(utterances: tuple[Utterance, ...]) -> list[str]:
    return [str(utterance.audio.path) for utterance in utterances]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("sound") / "a.flac", 0.1)


def put(path: Path, sound: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(sound)


def test_librispeech(tmp_path: Path, sound: Path) -> None:
    for subset, speaker, chapter in (("dev-clean", 84, 9), ("dev-clean", 1034, 10), ("dev-clean", 84, 10)):
        folder = tmp_path / "LibriSpeech" / subset / str(speaker) / str(chapter)
        names = [f"{speaker}-{chapter}-{number:04d}" for number in (10, 2)]
        for name in names:
            put(folder / f"{name}.flac", sound)
        (folder / f"{speaker}-{chapter}.trans.txt").write_text("".join(f"{name} GO ON {name}\n" for name in names))
    found = whole(read_librispeech(tmp_path, "dev-clean"))
    theirs = datasets.LIBRISPEECH(tmp_path, "dev-clean")
    rows = [theirs.get_metadata(index) for index in range(len(theirs))]
    assert paths(found) == [str(tmp_path / "LibriSpeech" / row[0]) for row in rows]
    assert [(u.text, u.speaker, u.fields["chapter"]) for u in found] == [
        (row[2].lower(), str(row[3]), str(row[4])) for row in rows
    ]


@pytest.mark.parametrize("subset", [None, "training", "validation", "testing"])
def test_speech_commands(tmp_path: Path, sound: Path, subset: str | None) -> None:
    root = tmp_path / "SpeechCommands" / "speech_commands_v0.02"
    clips = [f"{word}/{speaker}_nohash_{n}.wav" for word in ("up", "up-2", "yes") for speaker in "ab" for n in (10, 2)]
    for clip in [*clips, "_background_noise_/a_nohash_0.wav", "up/readme.wav"]:
        put(root / clip, sound)
    (root / "validation_list.txt").write_text(f"{clips[5]}\n{clips[1]}\n")
    (root / "testing_list.txt").write_text(f"{clips[7]}\n{clips[3]}\n")
    theirs = datasets.SPEECHCOMMANDS(tmp_path, subset=subset)
    found = whole(read_speech_commands(tmp_path, subset))
    rows = [theirs.get_metadata(index) for index in range(len(theirs))]
    assert paths(found) == [str(tmp_path / "SpeechCommands" / row[0]) for row in rows]
    assert [(u.text, u.speaker) for u in found] == [(row[2], row[3]) for row in rows]


@pytest.mark.parametrize("microphone", ["mic1", "mic2"])
def test_vctk(tmp_path: Path, sound: Path, microphone: str) -> None:
    root = tmp_path / "VCTK-Corpus-0.92"
    for speaker in ("p225", "p280", "p362", "s5"):
        for number in ("010", "002"):
            transcript = root / "txt" / speaker / f"{speaker}_{number}.txt"
            transcript.parent.mkdir(parents=True, exist_ok=True)
            transcript.write_text(f"Say {number}!")
            if (speaker, number) != ("p362", "002") and (speaker, microphone) != ("p280", "mic2"):
                put(root / "wav48_silence_trimmed" / speaker / f"{speaker}_{number}_{microphone}.flac", sound)
    theirs = datasets.VCTK_092(str(tmp_path), mic_id=microphone)
    found = whole(read_vctk(tmp_path, microphone))
    assert [u.id.split("_") for u in found] == theirs._sample_ids
    assert found[0].text == "say 002"
