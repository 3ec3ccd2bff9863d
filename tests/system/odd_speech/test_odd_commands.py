"""Odd speech through the command line: exit 2 and a line each before anything is trained, or the right value."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from support.running import Finished

from fedasr.evaluate import app as evaluate
from fedasr.simulate import app as simulate
from fedasr.transcribe import app as transcribe
from system.odd_speech.case import Case, Content, Row, common_voice, line, manifest
from system.odd_speech.made.others import encoded
from system.odd_speech.made.riff import wav
from system.odd_speech.made.signals import chirp, noise
from system.odd_speech.rights.runs import experiment_table, model_file
from system.odd_speech.rights.sounds import Sounds

Call = Callable[..., Finished]
RIGHT = Sounds(chirp)
"""No part in these tests: commands are looked at from outside."""


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call a command in this process, as its user does."""

    def called(app: Any, *arguments: object, within: Path) -> Finished:
        monkeypatch.chdir(within)
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            app([str(argument) for argument in arguments])
        found = capfd.readouterr()
        assert "Traceback" not in found.err
        return Finished(int(exit_.value.code or 0), found.out, found.err)

    return called


def written(folder: Path, files: dict[str, Content]) -> Path:
    Case("", files, RIGHT).write(folder)
    return folder


def people(*rows: Row, speakers: int = 8, **files: Content) -> dict[str, Content]:
    """A manifest of some speakers, and further lines."""
    return manifest(*({"speaker": f"s{n}"} for n in range(speakers)), *rows, **files)


def toml(folder: Path, **corpus: Any) -> Path:
    """Write the tiny experiment; `--data` says where its speech is."""
    table = experiment_table(folder, corpus)
    del table["corpus"]["path"]
    path = folder / "tiny.toml"
    path.write_text(tomli_w.dumps(table))
    return path


def run(call: Call, folder: Path, *options: object, data: str = "manifest.jsonl", **corpus: Any) -> Finished:
    file = toml(folder, **corpus)
    return call(simulate, file, "--data", data, "--grid", "process", "--out", "out", *options, within=folder)


def assert_refused(done: Finished, *names: str) -> None:
    """Assert exit code 2, nothing on standard output and a line for each name; another may count them."""
    assert done.code == 2
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(names) <= len(lines) <= len(names) + 1, done.err
    assert all(name in said for name, said in zip(names, lines, strict=False)), done.err


REFUSED: dict[str, tuple[dict[str, Content], tuple[str, ...]]] = {
    "half a character, whoever says it": (people({"text": "one \udcff", "speaker": "s0"}), ("manifest.jsonl:9",)),
    "four faults": (
        people({"text": ""}, {"audio_filepath": "gone.wav"}, "{", {"duration": 7}),
        tuple(f"manifest.jsonl:{n}" for n in (9, 10, 11, 12)),
    ),
    "a number of four hundred digits": (
        people(line(9).replace("0.5", "1" + "0" * 400)), ("manifest.jsonl:9",)
    ),
    "a clip cut short": (people(**{"3.wav": wav(chirp())[:-100]}), ("manifest.jsonl:3",)),
    "another encoding": (
        people() | {"manifest.jsonl": line(1).replace("one", "é").encode("latin-1")}, ("UTF-8",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_is_trained_on_it(case: str, call: Call, tmp_path: Path) -> None:
    files, names = REFUSED[case]
    assert_refused(run(call, written(tmp_path, files)), *names)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_is_scored_on_it(case: str, call: Call, tmp_path: Path) -> None:
    files, names = REFUSED[case]
    folder = written(tmp_path, files)
    assert_refused(call(evaluate, model_file(folder), "manifest.jsonl", "--json", within=folder), *names)


def test_what_is_left_out_is_said_and_kept(call: Call, tmp_path: Path) -> None:
    bad = ({"text": "\u200b"}, {"audio_filepath": "gone.wav"}, {"audio_filepath": "gone2.wav"})
    folder = written(tmp_path, people(*bad))
    done = run(call, folder, "--set", "corpus.faulty=leave out")
    assert done.code == 0, done.err
    assert any("3" in said and "left out" in said for said in done.err.splitlines()), done.err
    kept = [path.read_text() for path in (folder / "out").glob("*.json")]
    assert any("left_out" in text or "left out" in text for text in kept)
    page = (folder / "out" / "report.html").read_text()
    assert "left out" in page


def test_sentences_with_quotation_marks_each_train_and_score(call: Call, tmp_path: Path) -> None:
    folder = written(tmp_path, common_voice(*('say "one', 'two" or three', '"', "four") * 4, "five"))
    done = run(call, folder, "--set", "corpus.faulty=leave out", data=".", kind="common-voice")
    assert done.code == 0, done.err
    parts = json.loads((folder / "out" / "partition.json").read_text())
    everybody = [*parts["silos"], *(parts[name] for name in ("public_labelled", "development", "test"))]
    assert sum(part["utterances"] for part in everybody) == 13


def test_speech_by_a_relative_path_is_found_on_resuming_elsewhere(call: Call, tmp_path: Path) -> None:
    folder = written(tmp_path / "here", people())
    done = run(call, folder)
    assert done.code == 0, done.err
    (folder / "out" / "fedavg" / "row.jsonl").unlink()
    (tmp_path / "there").mkdir()
    done = call(simulate, "--resume", folder / "out", "--grid", "process", within=tmp_path / "there")
    assert done.code == 0, done.err


def test_texts_longer_than_their_audio_are_counted(call: Call, tmp_path: Path) -> None:
    long = "word after word that nobody can say within half a second of speech"
    folder = written(tmp_path, people(*({"text": long, "speaker": f"s{n}"} for n in range(8))))
    done = run(call, folder)
    assert done.code == 0, done.err
    assert any("8" in said and "longer" in said and ".wav" in said for said in done.err.splitlines()), done.err
    summary = json.loads((folder / "out" / "summary.json").read_text())
    assert all(row["development_loss"] is None or row["development_loss"] > 0 for row in summary["rows"])


def test_one_speaker_has_no_interval(call: Call, tmp_path: Path) -> None:
    folder = written(tmp_path, manifest({"speaker": "ann"}, {"speaker": "ann"}))
    done = call(evaluate, model_file(folder), "manifest.jsonl", within=folder)
    assert done.code == 0
    assert "WER" in done.out
    assert "95%" not in done.out


def test_references_that_cannot_be_written_are_named(call: Call, tmp_path: Path) -> None:
    folder = written(tmp_path, manifest({"text": "smörgås, tack"}, {"text": "one"}, {"text": "øl"}))
    done = call(evaluate, model_file(folder), "manifest.jsonl", "--json", within=folder)
    assert done.code == 0
    assert json.loads(done.out)["utterances"] == 3
    said = [said for said in done.err.splitlines() if "ö" in said]
    assert len(said) == 1
    assert all(character in said[0] for character in "åøö,")
    assert "2" in said[0]


def test_files_of_many_kinds_are_transcribed(call: Call, tmp_path: Path) -> None:
    folder = written(tmp_path, {
        "a.wav": lambda: encoded(noise(), form="WAV", subtype="GSM610"), "two.mp3": encoded(noise(), form="MP3") * 2,
        "odd.wav": wav(noise(rate_hz=15_991), 15_991), "b.opus": lambda: encoded(noise(), form="OGG", subtype="OPUS"),
    })  # fmt: skip
    done = call(transcribe, model_file(folder), "a.wav", "two.mp3", "odd.wav", "b.opus", within=folder)
    assert done.code == 0, done.err
    assert done.out.count("\n") == 4


def test_all_files_that_cannot_be_transcribed_are_named(call: Call, tmp_path: Path) -> None:
    folder = written(tmp_path, {"a.wav": wav(noise()), "b.wav": wav(noise())[:-99], "c.wav": b"", "d.wav": b"a letter"})
    done = call(transcribe, model_file(folder), *(f"{name}.wav" for name in "bcd"), within=folder)
    assert_refused(done, "b.wav", "c.wav", "d.wav")
