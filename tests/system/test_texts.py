"""Runs on speech as people have it: what cannot be written or learnt is said once, and no number is made of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table
from support.sound import manifest, record, row

import fedasr
from fedasr.common.errors import UserError
from fedasr.corpora.text import NORMALISED
from fedasr.experiment.experiment import Experiment
from fedasr.runs.model_file import load_model, load_text_rule

LONG = "one two three four five six seven eight nine ten"
MEDIAN = "flwr.serverapp.strategy:FedMedian"


def _rows(texts: dict[str, str], speakers: list[str], text: str = "one", each: int = 2) -> list[dict[str, object]]:
    names = [(speaker, number) for speaker in speakers for number in range(each)]
    return [
        row(f"{speaker}{number}.wav", speaker=speaker, duration=0.6, text=texts.get(speaker, text))
        for speaker, number in names
    ]


def _run(folder: Path, lines: list[dict[str, object]], *strategies: str, **changes: Any) -> fedasr.Result:
    for number, line in enumerate(lines):
        record(folder / str(line["audio_filepath"]), 0.6, seed=number)
    corpus = {"kind": "manifest", "path": str(manifest(folder, *lines)), "development_speakers": 1, "test_speakers": 2}
    corpus |= changes.pop("corpus", {})
    table = tiny_table(
        corpus=corpus, training={"rounds": 1, "silos_per_round": 0},
        compare=[{"name": name.rpartition(":")[2], "strategy": name} for name in strategies], **changes,
    )  # fmt: skip
    for key in ("grammar", "speakers", "utterances_per_speaker"):
        del table["corpus"][key]
    return fedasr.run(Experiment.from_table(table), out=folder / "run", grid="process")


def _rounds(result: fedasr.Result, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (result.folder / name / "metrics.jsonl").read_text().splitlines()]


SPEAKERS = [f"s{number}" for number in range(9)]


def test_where_nothing_can_be_learnt_losses_are_null(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = _rows(dict.fromkeys(SPEAKERS, LONG), SPEAKERS)
    names = ("fedavg", "local-only", "centralised", MEDIAN)
    result = _run(tmp_path, lines, *names)
    assert [entry["status"] for entry in result.rows] == ["finished"] * 4
    assert all(entry["development_loss"] is None and entry["wer"] is not None for entry in result.rows)
    for name in ("fedavg", "local-only", "centralised", "FedMedian"):
        assert {line["train_loss"] for line in _rounds(result, name)} == {None}
    (line,) = [message for message in _told(caplog) if "longer than audio" in message]
    assert "8 of 8 of silos, 4 of 4 of public, 2 of 2 of development, 4 of 4 of test" in line
    assert "0, 1, 2, 3" in line


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the terminal is told; pytest hears the details of the run's log file, too."""
    return [record.getMessage() for record in caplog.records if record.name == "fedasr"]


def _holders(result: fedasr.Result) -> list[str]:
    """Return the speaker of each silo; who is one does not depend on what is said."""
    partition = json.loads((result.folder / "partition.json").read_text())
    return [silo["speakers"][0] for silo in partition["silos"]]


def test_losses_are_over_what_can_be_learnt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Four silos start from one model: leave out each once, and the means of three have the mean of four."""
    plain = _run(tmp_path / "plain", _rows({}, SPEAKERS), "fedavg")
    losses = []
    for mute in _holders(plain):
        caplog.clear()
        result = _run(tmp_path / mute, _rows({mute: LONG}, SPEAKERS), "fedavg", MEDIAN)
        losses.append(_rounds(result, "fedavg")[-1]["train_loss"])
        (line,) = [message for message in _told(caplog) if "longer than audio" in message]
        assert line.startswith("text longer than audio: 2 of 8 of silos cannot be learnt")
        assert [entry["status"] for entry in result.rows] == ["finished"] * 2
    assert sum(losses) / 4 == pytest.approx(_rounds(plain, "fedavg")[-1]["train_loss"], rel=1e-5)
    assert len(set(losses)) == 4


def test_a_letter_that_only_a_silo_has_does_not_stop_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain = _run(tmp_path / "plain", _rows({}, SPEAKERS), "fedavg")
    caplog.clear()
    result = _run(tmp_path / "odd", _rows({_holders(plain)[0]: "café"}, SPEAKERS), "fedavg")
    assert result.rows[0]["status"] == "finished"
    (line,) = [message for message in _told(caplog) if "public text lacks" in message]
    assert "2 of 8 transcripts" in line
    assert "'é' (U+00E9)" in line


def test_a_run_makes_all_texts_by_one_rule_and_its_models_remember_it(tmp_path: Path) -> None:
    result = _run(tmp_path, _rows({}, SPEAKERS, text="One, TWO – 3!"), "fedavg", corpus={"text": NORMALISED})
    model = result.folder / "fedavg"
    assert load_text_rule(model) == NORMALISED
    said = [json.loads(line)["reference"] for line in (model / "hypotheses.jsonl").read_text().splitlines()]
    assert said == ["one two 3"] * 4
    assert "–" not in load_model(model).tokens.alphabet  # type: ignore[attr-defined]


def test_a_rule_for_texts_that_nobody_reads_is_refused() -> None:
    with pytest.raises(UserError, match=r"corpus\.text"):
        Experiment.from_table(tiny_table(corpus={"text": NORMALISED}))


def test_one_test_speaker_has_no_interval_in_summary_and_page(tmp_path: Path) -> None:
    result = _run(tmp_path, _rows({}, SPEAKERS), "fedavg", corpus={"test_speakers": 1})
    (entry,) = result.rows
    assert entry["wer"] is not None
    assert entry["wer_low"] is entry["wer_high"] is None
    assert "no interval" in (result.folder / "report.html").read_text()


def test_a_person_in_two_normal_forms_is_in_one_part(tmp_path: Path) -> None:
    lines = _rows({}, ["Jose\u0301", "José", *SPEAKERS])
    result = _run(tmp_path, [{**line, "audio_filepath": f"{n}.wav"} for n, line in enumerate(lines)], "fedavg")
    partition = json.loads((result.folder / "partition.json").read_text())
    parts = [*partition["silos"], *(partition[name] for name in ("public_labelled", "development", "test"))]
    assert sum("José" in part["speakers"] for part in parts) == 1
    assert not any("Jose\u0301" in part["speakers"] for part in parts)
    assert sum(len(part["speakers"]) for part in parts) == len(SPEAKERS) + 1


def test_half_a_character_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.jsonl:3: text holds half a character \(U\+D83D\)"):
        _run(tmp_path, _rows({"s1": "ha \ud83d"}, SPEAKERS), "fedavg")
    assert not (tmp_path / "run").exists()


def test_too_few_pieces_for_a_script_are_refused_with_the_number_that_does(tmp_path: Path) -> None:
    lines = _rows({}, SPEAKERS, text="今天天气很好")
    with pytest.raises(UserError, match="4 pieces are too few for the 5 characters of the public text; set at least 7"):
        _run(tmp_path, lines, "fedavg", model={"tokens": "pieces", "pieces": 4})
