"""A model carries what it has heard: a run that starts from it promises no more than that allows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.running import command, tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.experiment.experiment import Experiment
from fedasr.report.pages.writing import page
from fedasr.runs.model_file import load_provenance
from fedasr.runs.provenance import PROVENANCE
from fedasr.runs.reading import read_run

SILO = {"strategy": "dp-fedavg", "options": {"epsilon": 4.0}}
UTTERANCE = {
    "strategy": "fedavg", "protection": "dp-sgd", "protection_options": {"epsilon": 4.0, "batch_size": 1},
}  # fmt: skip
PUBLIC_ONLY = {"name": "public-only", "strategy": "public-only"}


def experiment(*rows: dict[str, Any], **changes: Any) -> Experiment:
    return Experiment.from_table(tiny_table(compare=list(rows), training={"silos_per_round": 0}, **changes))


def run(out: Path, *rows: dict[str, Any], **model: Any) -> dict[str, dict[str, Any]]:
    found = fedasr.run(experiment(*rows, model=model), grid="process", out=out).rows
    assert [row["failure"] for row in found] == [None] * len(rows)
    return {row["name"]: row for row in found}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train models of every past."""
    out = tmp_path_factory.mktemp("before") / "run"
    run(
        out, {"name": "pooled", "strategy": "centralised"}, {"name": "averaged", "strategy": "fedavg"},
        {"name": "public", "strategy": "public-only", "options": {"epochs": 1}}, {"name": "private", **SILO},
    )  # fmt: skip
    return out


def start(before: Path, row: str) -> str:
    return str(before / row / "model.safetensors")


def test_every_model_says_what_it_has_heard(before: Path) -> None:
    pasts = {row: load_provenance(before / row) for row in ("pooled", "averaged", "public", "private")}
    pasts["start"] = load_provenance(before / "start" / "seed-5.safetensors")
    assert {row: past.unknown for row, past in pasts.items()} == dict.fromkeys(pasts, "")
    assert {row for row, past in pasts.items() if past.private} == {"pooled", "averaged"}
    assert {row for row, past in pasts.items() if past.ledger} == {"private"}
    assert len(pasts["pooled"].private.speakers) == 4
    assert len(pasts["pooled"].private.utterances) == 12
    written = (before / "private" / "model.safetensors").read_bytes()
    named = pasts["pooled"].private
    assert not any(digest.encode() in written for digest in (*named.speakers, *named.utterances))
    assert pasts["private"].promise is not None


@pytest.mark.parametrize("row", ["pooled", "averaged"])
def test_nothing_is_promised_after_a_model_that_has_heard_the_silos(row: str, before: Path, tmp_path: Path) -> None:
    """The case: without this the row promised ε and the page said that public-only used no private speech (ε = 0)."""
    found = run(tmp_path / "run", PUBLIC_ONLY, {"name": "late", **SILO}, start=start(before, row))
    late, public = found["late"], found["public-only"]
    assert (late["epsilon"], public["epsilon"]) == (None, None)
    assert "promises nothing: it begins from a model that has heard 4 speakers and 12 utterances" in late["note"]
    assert {late["start_speech"], public["start_speech"]} == {"private"}
    assert public["private_speech"]
    privacy = json.loads((tmp_path / "run" / "late" / "privacy.json").read_text())
    assert (privacy["epsilon"], privacy["start_speech"]) == (None, "private")
    for release in (True, False):
        assert "ε = 0" not in page(read_run(tmp_path / "run"), release=release)


def test_public_speech_costs_nothing_and_training_on_it_again_neither(before: Path, tmp_path: Path) -> None:
    rows = [PUBLIC_ONLY, {"name": "late", **SILO}]
    plain = run(tmp_path / "plain", *rows)
    after = run(tmp_path / "after", *rows, start=start(before, "public"))
    assert after["late"]["epsilon"] == plain["late"]["epsilon"] is not None
    assert {row["start_speech"] for row in after.values()} == {"public"}
    assert after["public-only"]["private_speech"] is False


def test_a_ledger_goes_with_its_model_and_adds_up_with_its_own_unit_alone(before: Path, tmp_path: Path) -> None:
    rows = [{"name": "late", **SILO}, {"name": "other", **UTTERANCE}, {"name": "later", "start": "row:late", **SILO}]
    found = run(tmp_path / "run", *rows, start=start(before, "private"))
    alone = json.loads((before / "summary.json").read_text())["rows"][3]["epsilon"]
    assert alone < found["late"]["epsilon"] < found["later"]["epsilon"] < 3 * alone * 1.01
    assert found["late"]["epsilon_before"] == pytest.approx(alone)
    assert found["late"]["start_speech"] == "protected"
    assert found["other"]["epsilon"] is None
    assert "made under a promise to another unit (silo, replace-one)" in found["other"]["note"]
    assert [len(load_provenance(tmp_path / "run" / row).ledger) for row in ("late", "later")] == [4, 6]
    verified = command("fedasr.verify", tmp_path / "run")
    assert verified.code == 0, verified.out


def test_a_file_without_provenance_is_unknown_until_it_is_declared_public(before: Path, tmp_path: Path) -> None:
    weights, told = load_arrays(before / "public" / "model.safetensors")
    old = tmp_path / "old.safetensors"
    save_arrays(old, weights, {key: value for key, value in told.items() if key != PROVENANCE})
    late = {"name": "late", **SILO}
    unknown = run(tmp_path / "unknown", PUBLIC_ONLY, late, start=str(old))
    assert unknown["late"]["epsilon"] is None
    assert "a model of unknown past (old.safetensors holds no provenance)" in unknown["late"]["note"]
    assert unknown["public-only"]["private_speech"] is None
    assert "a model of unknown past" in page(read_run(tmp_path / "unknown"))
    declared = run(tmp_path / "declared", PUBLIC_ONLY, late, start=str(old), start_speech="declared public")
    assert declared["late"]["epsilon"] is not None
    assert "the speech behind its start (old.safetensors) was declared public" in declared["late"]["note"]
    privacy = json.loads((tmp_path / "declared" / "late" / "privacy.json").read_text())
    assert (privacy["start_speech"], privacy["declared"]) == ("declared public", ["old.safetensors"])
    text = page(read_run(tmp_path / "declared"))
    assert "ε = 0" not in text
    assert "declared public" in text
    assert (
        "Declared, and checked by nobody: late: that old.safetensors"
        in command("fedasr.verify", tmp_path / "declared").out
    )
    again = run(tmp_path / "again", late, start=start(tmp_path / "declared", "late"))["late"]
    assert again["start_speech"] == "protected"
    assert load_provenance(tmp_path / "again" / "late").declared == ("old.safetensors",)


def test_a_declaration_against_what_is_known_is_refused(before: Path, tmp_path: Path) -> None:
    options = {"grid": "process", "out": tmp_path / "run"}
    for row, says in (("pooled", "has heard 12 of the silos' own utterances"), ("public", "says itself which speech")):
        model = {"start": start(before, row), "start_speech": "declared public"}
        with pytest.raises(UserError, match=says):
            fedasr.run(experiment(PUBLIC_ONLY, model=model), **options)  # type: ignore[arg-type]
        assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match="start_speech"):
        experiment(PUBLIC_ONLY, model={"start_speech": "declared public"})


def test_the_command_says_so_and_models_are_used_as_before(before: Path, tmp_path: Path) -> None:
    toml = tmp_path / "late.toml"
    toml.write_text(experiment({"name": "late", **SILO}, model={"start": start(before, "pooled")}).to_toml())
    done = command("fedasr.simulate", toml, "--out", tmp_path / "run", "--grid", "process", "--release")
    assert done.code == 0
    assert "promises nothing" in done.out + done.err
    assert "ε = 0" not in (tmp_path / "run" / "report.html").read_text()
    assert fedasr.evaluate(tmp_path / "run" / "late")["utterances"] > 0
