"""A finished row as an object; a run knows its speech by what is in it, wherever it lies."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.running import Finished
from support.unequal import unequal_table

import fedasr
from fedasr.asr.recogniser import digest
from fedasr.asr.tokens import ENGLISH, CharacterTokens
from fedasr.common.errors import UserError
from fedasr.common.files import read_json, write_json
from fedasr.engine.first_round import first_round
from fedasr.engine.reopen import reopen
from fedasr.experiment.experiment import Experiment
from fedasr.messages.records import arrays_of
from fedasr.runs.folder import Run
from fedasr.runs.partition_record import partition_data

SILO_NOISE = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 2}}
ROWS = [
    {"name": "public-only", "strategy": "public-only"},
    {"name": "local-only", "strategy": "local-only", "options": {"steps": 1}},
    {"name": "released", "strategy": "dp-fedavg", "options": {"noise_multiplier": 0.5, "clip_norm": 0.5}},
    {"name": "noisy", "strategy": "fedavg", **SILO_NOISE},
    {"name": "fedavg", "strategy": "fedavg", "codec": "top-k", "codec_options": {"density": 0.1},
     "training": {"silos_per_round": 3}},
]  # fmt: skip


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


# The row


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_row_has_its_model_its_speech_and_who_held_it(finished: Path) -> None:
    row = reopen(finished / "fedavg")
    assert (row.row.name, row.seed, row.summary.codec) == ("fedavg", 113, "top-k")
    assert digest(row.model().weights()) == row.summary.model_sha256
    assert partition_data(row.prepared.partition, row.prepared.speech) == row.run.partition()
    assert [line.round for line in row.folder.rounds()] == [0, 1]


def test_the_messages_of_the_first_round_are_those_that_made_the_model(finished: Path) -> None:
    """Through the codec: their sizes are the logged ones, and their mean is the model of a row of one round."""
    before, row = _files(finished), reopen(finished / "fedavg")
    answers = first_round(row.parts())
    sizes = [(o.request.silo, o.uplink_blob_bytes, o.uplink_envelope_bytes) for o in answers.outcomes]
    logged = [m for m in row.folder.messages() if m.direction == "up"]
    assert len(logged) == 3
    assert sizes == [(m.silo, m.blob_bytes, m.envelope_bytes) for m in logged]
    weights = [float(reply.content.metric_records["metrics"]["num-examples"]) for reply in answers.replies]
    models = [arrays_of(reply.content.array_records["arrays"]) for reply in answers.replies]
    for name, array in row.model().weights().items():
        mean = sum(w * m[name].astype(np.float64) for w, m in zip(weights, models, strict=True)) / sum(weights)
        np.testing.assert_allclose(array, mean, rtol=1e-6, atol=1e-7)
    assert _files(finished) == before, "a finished row is read and not written"


def test_releases_come_back_by_their_keys(finished: Path) -> None:
    row = reopen(finished / "released")
    released = row.releases()
    assert list(released) == ["round.1"]
    assert released["round.1"].keys() == row.model().weights().keys()
    assert reopen(finished / "fedavg").releases() == {}


@pytest.mark.parametrize(
    ("name", "says"), [("released", "read its releases"), ("noisy", "noise that cannot be drawn again")]
)
def test_messages_that_cannot_be_had_again_are_refused(name: str, says: str, finished: Path) -> None:
    before = _files(finished)
    with pytest.raises(UserError, match=f"^{name}: .*{says}"):
        first_round(reopen(finished / name).parts())
    assert _files(finished) == before


def test_what_is_no_finished_row_gets_one_line(cut_off: Path, finished: Path, tmp_path: Path) -> None:
    for folder, says in (
        (cut_off / "fedavg", f"has not finished; go on with --resume {cut_off}"), (finished / "fedagv", "'fedavg'"),
        (tmp_path / "nowhere" / "fedavg", "not a run folder"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=says):
            reopen(folder)
    with pytest.raises(UserError, match="stay in the silos"):
        reopen(finished / "local-only").model()


def test_another_model_in_the_rows_place_is_refused(cut_off: Path) -> None:
    shutil.copy(cut_off / "fedavg" / "model.safetensors", cut_off / "public-only" / "model.safetensors")
    with pytest.raises(UserError, match="not the model of the summary"):
        reopen(cut_off / "public-only").model()


# Its evaluation


def test_a_row_scores_again_what_it_scored(
    finished: Path, unequal_corpus: Path, tmp_path: Path, run_command: Callable[..., Finished]
) -> None:
    row, moved = reopen(finished / "fedavg"), Path(shutil.copytree(unequal_corpus, tmp_path / "moved"))
    scores = fedasr.evaluate(finished / "fedavg", data=moved)
    for key in ("wer", "wer_low", "wer_high", "cer", "insertions", "deletions", "substitutions"):
        assert scores[key] == getattr(row.summary, key), key
    assert scores["hypotheses"] == [json.loads(line) for line in (row.folder.path / "hypotheses.jsonl").open()]
    command = run_command("fedasr.evaluate", finished / "fedavg" / "model.safetensors", "--json")
    assert command.code == 0, command.err
    assert json.loads(command.out) == scores


def test_a_row_is_scored_on_no_other_speech(finished: Path, unequal_corpus: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(unequal_corpus, tmp_path / "other"))
    text = (other / "manifest.jsonl").read_text()
    (other / "manifest.jsonl").write_text(text.replace('"text": "', '"text": "one ', 1))
    with pytest.raises(UserError, match="not the speech of this run"):
        fedasr.evaluate(finished / "fedavg", data=other)
    with pytest.raises(UserError, match="--data"):
        fedasr.evaluate(finished / "fedavg", other, data=other)


# The speech of a run that goes on


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


def test_a_run_whose_speakers_were_dealt_otherwise_does_not_go_on(cut_off: Path) -> None:
    parts = read_json(cut_off / "partition.json")
    first, second = parts["silos"][:2]
    parts["silos"][:2] = [{**second, "silo": 0}, {**first, "silo": 1}]
    write_json(cut_off / "partition.json", parts)
    with pytest.raises(UserError, match=r"divided otherwise now \(silo 0 has other speakers: .*\); start the run anew"):
        _resumed(cut_off)
    assert not (cut_off / "fedavg" / "row.jsonl").exists()


def test_a_run_of_before_goes_on_and_takes_no_other_path(cut_off: Path, finished: Path, tmp_path: Path) -> None:
    """It did not write down which speech it used."""
    facts = read_json(cut_off / "environment.json")
    del facts["corpus_digest"]
    write_json(cut_off / "environment.json", facts)
    with pytest.raises(UserError, match="another experiment"):
        _resumed(cut_off, tmp_path)
    assert [row["model_sha256"] for row in _resumed(cut_off).rows] == _digests(finished)


def test_a_run_of_before_goes_on_with_the_tokens_that_it_began_with(
    unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions learnt no unknown character: their models have a token less."""
    folder = tmp_path / "run"
    table = unequal_table(unequal_corpus, compare=[ROWS[0], ROWS[4]], training={"rounds": 1})
    with monkeypatch.context() as patch:
        patch.setattr("fedasr.engine.preparation.learn_characters", lambda texts: CharacterTokens(ENGLISH))
        fedasr.run(Experiment.from_table(table), out=folder, grid="process")
    before = _digests(folder)
    (folder / "fedavg" / "row.jsonl").unlink()
    shutil.rmtree(folder / "fedavg" / "checkpoint", ignore_errors=True)
    _resumed(folder)
    assert _digests(folder) == before
    row = reopen(folder / "fedavg")
    assert row.prepared.tokens == row.model().tokens == CharacterTokens(ENGLISH)
    assert fedasr.evaluate(folder / "fedavg")["wer"] == row.summary.wer
