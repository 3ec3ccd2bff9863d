import math
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from support.running import tiny_table

from fedasr.api import run
from fedasr.common.errors import UserError
from fedasr.common.settings import limits_of
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.finding import find_experiment, shipped_experiments
from fedasr.server.strategies_by_name import build_strategy


@pytest.mark.parametrize("name", sorted(shipped_experiments()))
def test_every_shipped_experiment_can_be_read_and_its_strategies_built(name: str) -> None:
    experiment = Experiment.load(name)
    assert experiment.name == name
    assert experiment.compare
    for row in experiment.compare:
        build_strategy(row, experiment.training_of(row), 20)


def test_the_first_command_compares_four_strategies() -> None:
    rows = {row.strategy for row in Experiment.load("quickstart").compare}
    assert rows >= {"centralised", "local-only", "public-only", "fedavg"}


@pytest.mark.parametrize("name", ["tiny", *sorted(shipped_experiments())])
def test_an_experiment_survives_its_own_toml(name: str, tiny: Experiment, tmp_path: Path) -> None:
    experiment = tiny if name == "tiny" else Experiment.load(name)
    (tmp_path / "again.toml").write_text(experiment.to_toml())
    assert Experiment.load(tmp_path / "again.toml") == experiment
    assert Experiment.from_table(tomllib.loads(experiment.to_toml())) == experiment


def test_a_file_without_a_name_is_called_after_itself(tmp_path: Path) -> None:
    table = tiny_table()
    del table["name"]
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(table))
    assert Experiment.load(tmp_path / "mine.toml").name == "mine"


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("training.rounds", 7, lambda e: e.training.rounds),
        ("corpus.silos", 3, lambda e: e.corpus.silos),
        ("corpus.public_speakers", 3, lambda e: e.corpus.public_speakers),
        ("corpus.development_speakers", 0, lambda e: e.corpus.development_speakers),
        ("corpus.test_speakers", 0, lambda e: e.corpus.test_speakers),
        ("model.start", "scratch", lambda e: e.model.start),
        ("training.local_steps", 9, lambda e: e.training.local_steps),
        ("training.silos_per_round", 2, lambda e: e.training.silos_per_round),
        ("compare.fedavg.options.momentum", 0.25, lambda e: e.compare[1].options["momentum"]),
        ("compare.fedavg.training.rounds", 3, lambda e: e.training_of(e.compare[1]).rounds),
        ("seed", 9, lambda e: e.seed),
    ],
)
def test_dotted_overrides(key: str, value: Any, read: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(tiny_table()))
    experiment = Experiment.load(tmp_path / "mine.toml", {key: value})
    assert read(experiment) == value
    before = Experiment.load(tmp_path / "mine.toml")
    assert before.with_value(key, value) == experiment


def test_an_override_changes_nothing_else(tiny: Experiment) -> None:
    changed = tiny.with_value("training.rounds", 9)
    assert changed.with_value("training.rounds", 2) == tiny
    assert tiny.training.rounds == 2


def test_a_value_that_is_set_takes_the_place_of_what_the_file_says_in_another_way(tiny: Experiment) -> None:
    stated = tiny.with_value("training.batch_size", 7)
    assert stated.with_value("training.batch_seconds", 5.0).training.batch_seconds == 5
    assert stated.with_value("training.batch_seconds", 0.0).training.batch_size == 7, "nothing else is said by 0"
    row = stated.with_value("compare.fedavg.training.local_epochs", 2)
    assert row.training_of(row.compare[1]).local_epochs == 2
    with pytest.raises(UserError, match="takes no effect"):
        stated.with_values({"training.batch_seconds": 5.0, "training.batch_size": 3})


def test_a_rows_central_training_is_the_common_one_but_for_what_it_sets(tiny: Experiment) -> None:
    experiment = tiny.with_values({"central.batch_size": 5, "compare.fedavg.central.epochs": 7})
    assert (experiment.central_of(experiment.compare[1]).epochs, experiment.central.epochs) != (7, 7)
    assert experiment.central_of(experiment.compare[1]) == replace(experiment.central, epochs=7)
    assert experiment.central_of(experiment.compare[0]) == experiment.central
    with pytest.raises(UserError, match="epochs"):
        tiny.with_value("compare.fedavg.central.epochs", 0)


def test_a_rows_training_is_the_common_one_but_for_what_it_sets(tiny: Experiment) -> None:
    experiment = tiny.with_value("compare.fedavg.training.rounds", 5)
    public, fedavg = (experiment.training_of(row) for row in experiment.compare)
    assert public == experiment.training
    assert fedavg.rounds == 5
    assert fedavg.batch_size == public.batch_size


def test_a_row_that_says_what_a_batch_holds_says_it_alone(tiny: Experiment) -> None:
    by_seconds = tiny.with_value("compare.fedavg.training.batch_seconds", 7)
    assert by_seconds.training.batch_size == 2
    assert by_seconds.training_of(by_seconds.compare[1]).batch_seconds == 7
    shared = tiny.with_values({"training.batch_seconds": 7, "training.batch_size": 8})
    by_size = shared.with_value("compare.fedavg.training.batch_size", 3)
    assert [by_size.training_of(row).batch_seconds for row in by_size.compare] == [7, 0]


@pytest.mark.parametrize(("table", "usual"), [("training", 8), ("central", 16), ("start", 16)])
def test_a_batch_of_utterances_and_of_seconds_is_refused(tiny: Experiment, table: str, usual: int) -> None:
    with pytest.raises(UserError, match=rf"'{table}\.batch_size' takes no effect; it goes with batch_seconds = 0"):
        tiny.with_values({f"{table}.batch_seconds": 5, f"{table}.batch_size": usual + 1})
    for wrong in (-1, "inf"):
        with pytest.raises(UserError, match=rf"{table}\.batch_seconds"):
            tiny.with_values({f"{table}.batch_seconds": float(wrong), f"{table}.batch_size": usual})


def test_rows_times_seeds(tiny: Experiment) -> None:
    assert [(row.name, seed) for row, seed in tiny.rows()] == [("public-only", 5), ("fedavg", 5)]
    several = tiny.with_value("seeds", [1, 2])
    assert [(r.name, s) for r, s in several.rows()] == [
        ("public-only", 1), ("public-only", 2), ("fedavg", 1), ("fedavg", 2),
    ]  # fmt: skip
    assert several.folder_of(several.compare[0], 2) == "public-only@2"
    assert tiny.folder_of(tiny.compare[0], 5) == "public-only"


def test_the_model_describes_its_recogniser(tiny: Experiment) -> None:
    spec = tiny.model.recogniser()
    assert (spec.encoder.kind, spec.encoder.units, spec.features.mels, spec.head) == ("bilstm", 16, 16, "ctc")


def test_every_setting_of_an_experiment_has_a_limit() -> None:
    """Numbers are bounded, so that a typing error is found before hours of training."""

    def unbounded(settings: Any, prefix: str) -> list[str]:
        found = []
        for each in fields(settings):
            value = getattr(settings, each.name)
            if hasattr(value, "__dataclass_fields__"):
                found += unbounded(value, f"{prefix}{each.name}.")
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                limits = limits_of(each)
                found += [prefix + each.name] if limits.least is limits.above is None else []
        return found

    assert unbounded(Experiment("x"), "") == []


@pytest.mark.parametrize("key", ["training.gradient_norm", "central.gradient_norm", "start.gradient_norm"])
def test_gradients_are_not_multiplied_by_zero(key: str, tiny: Experiment) -> None:
    with pytest.raises(UserError, match=f"'{key}' must be a number above 0, not 0; inf switches it off"):
        tiny.with_value(key, 0)
    table, _, name = key.partition(".")
    assert getattr(getattr(tiny.with_value(key, math.inf), table), name) == math.inf


def test_values_that_fit_only_together_are_set_together(tiny: Experiment) -> None:
    changed = tiny.with_values({"corpus.partition": "grouped", "corpus.silos": 3})
    assert (changed.corpus.partition, changed.corpus.silos) == ("grouped", 3)
    with pytest.raises(UserError, match=r"^--set corpus\.partition|^tiny: 'corpus\.silos' must be at least 1"):
        tiny.with_value("corpus.partition", "grouped")


def test_a_mistake_is_told_of_where_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(tiny_table(training={"rounds": 0, "local_steps": 0})))
    overrides = {"training.rounds": "many", "compare.fedavg.codec": 3, "model.nosuch": 1}
    with pytest.raises(UserError) as error:
        Experiment.load(path, overrides)
    assert sorted(line.partition(":")[0] for line in error.value.lines) == [
        "--set compare.fedavg.codec", "--set model.nosuch", "--set training.rounds", "mine.toml",
    ]  # fmt: skip


def test_an_unknown_experiment_gets_the_nearest_name() -> None:
    with pytest.raises(UserError, match="'quickstart'"):
        find_experiment("quickstat")


@pytest.mark.parametrize(
    ("choice", "line"),
    [
        ({"protection": "clipping", "protection_options": {"clip_nrm": 1.0}}, "did you mean 'clip_norm'"),
        ({"protection": "clipping", "protection_options": {"clip_norm": -1.0}}, "protection_options.clip_norm"),
        ({"protection_options": {"clip_norm": 1.0}}, "protection_options.clip_norm"),
        ({"codec": "top-k", "codec_options": {"density": 10}}, "codec_options"),
        ({"codec_options": {"density": 0.1}}, "set codec"),
        ({"objective": "distill"}, "did you mean 'distilled'"),
        ({"strategy": "fedavgn"}, "there is no strategy 'fedavgn'; did you mean 'fedavg"),
        ({"strategy": "fedavgm", "options": {"momentm": 0.5}}, "unknown key 'momentm'; did you mean 'momentum'"),
        ({"strategy": "fedavgm", "options": {"momentum": 2}}, "'momentum' must be"),
        ({"strategy": "flwr.serverapp.strategy:FedAdam", "options": {"etaa": 1}}, "'etaa'; did you mean 'eta"),
    ],
)
def test_a_file_with_a_wrong_choice_is_refused_when_it_is_read_as_by_the_run(
    choice: dict[str, Any], line: str, tmp_path: Path
) -> None:
    table = tiny_table(compare=[{"name": "a", "strategy": "fedavg", **choice}])
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(table))
    with pytest.raises(UserError, match=line) as refused:
        Experiment.load(path)
    with pytest.raises(UserError) as by_the_run:
        run(Experiment.from_table(table), grid="process", out=tmp_path / "run")
    lead, own = (str(error.value).partition(": ") for error in (refused, by_the_run))
    assert (lead[0], lead[2]) == ("mine.toml", own[2])
