"""A run knows its speech by what is in it, wherever it lies."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.unequal import unequal_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run

ROWS = [
    {"name": "public-only", "strategy": "public-only"},
    {"name": "fedavg", "strategy": "fedavg", "codec": "top-k", "codec_options": {"density": 0.1}},
]


@pytest.fixture(scope="module")
def finished(unequal_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run whose corpus was named by a path that is relative to another folder than that of the tests."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    table = unequal_table(Path(unequal_corpus.name), compare=ROWS, training={"rounds": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(unequal_corpus.parent)
        fedasr.run(Experiment.from_table(table), out=folder, grid="process")
    return folder


@pytest.fixture
def cut_off(finished: Path, tmp_path: Path) -> Path:
    """Return that run as if it had been cut off in its last row."""
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    (folder / "fedavg" / "row.jsonl").unlink()
    return folder


def _resumed(folder: Path, data: Path | None = None) -> fedasr.Result:
    experiment = Run.open(folder).experiment
    return fedasr.run(experiment.with_value("corpus.path", str(data)) if data else experiment, resume=folder,
                      grid="process")  # fmt: skip


def _digests(folder: Path) -> list[str]:
    return [row["model_sha256"] for row in json.loads((folder / "summary.json").read_text())["rows"]]


def test_a_run_goes_on_from_another_folder(cut_off: Path, unequal_corpus: Path, finished: Path) -> None:
    assert Run.open(cut_off).experiment.corpus.path == str(unequal_corpus)
    assert [row["model_sha256"] for row in _resumed(cut_off).rows] == _digests(finished)


def test_a_run_goes_on_where_its_speech_was_moved_to(
    cut_off: Path, unequal_corpus: Path, finished: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(unequal_corpus, tmp_path / "moved"))
    assert [row["model_sha256"] for row in _resumed(cut_off, moved).rows] == _digests(finished)


def _drop_of_silo(lines: list[dict[str, Any]], mine: int, other: Path) -> None:
    del lines[mine]


def _say_otherwise(lines: list[dict[str, Any]], mine: int, other: Path) -> None:
    lines[mine]["text"] = "nine"


def _take_anothers_audio(lines: list[dict[str, Any]], mine: int, other: Path) -> None:
    shutil.copy(other / lines[mine - 1]["audio_filepath"], other / lines[mine]["audio_filepath"])
    lines[mine]["duration"] = lines[mine - 1]["duration"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_drop_of_silo, "silo 2 has 8 utterances, not 9"),
        (_say_otherwise, "other transcripts"),
        (_take_anothers_audio, "s of speech, not"),
    ],
)
def test_other_speech_is_refused(
    change: Callable[..., None], says: str, cut_off: Path, unequal_corpus: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(unequal_corpus, tmp_path / "other"))
    lines = [json.loads(line) for line in (other / "manifest.jsonl").read_text().splitlines()]
    (speaker,) = json.loads((cut_off / "partition.json").read_text())["silos"][2]["speakers"]
    change(lines, next(place for place, line in enumerate(lines) if line["speaker"] == speaker), other)
    (other / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UserError, match=says) as caught:
        _resumed(cut_off, other)
    assert str(caught.value).startswith(f"{cut_off}: {other} is not the speech of this run")
    assert "\n" not in str(caught.value)
    assert not (cut_off / "fedavg" / "row.jsonl").exists()


def test_a_run_of_before_goes_on_and_takes_no_other_path(cut_off: Path, finished: Path, tmp_path: Path) -> None:
    """It did not write down which speech it used."""
    facts = json.loads((cut_off / "environment.json").read_text())
    del facts["corpus_digest"]
    (cut_off / "environment.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="another experiment"):
        _resumed(cut_off, tmp_path)
    assert [row["model_sha256"] for row in _resumed(cut_off).rows] == _digests(finished)
