from pathlib import Path
from typing import Any

import pytest
import tomli_w
from support.running import tiny_table

from fedasr.common.errors import UserError
from fedasr.engine.request import parse_setting, requested
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "tiny.toml").write_text(tomli_w.dumps(tiny_table()))
    return str(tmp_path / "tiny.toml")


def _requested(name: str | None, **changes: Any) -> Experiment:
    given = {"data": None, "strategies": [], "settings": [], "seeds": [], "resume": None, **changes}
    return requested(name, **given)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b=3", ("a.b", 3)),
        ("a=2.5", ("a", 2.5)),
        ("a=true", ("a", True)),
        ('a="3"', ("a", "3")),
        ("a=[1, 2]", ("a", [1, 2])),
        ("a={ b = 1 }", ("a", {"b": 1})),
        ("model.start=scratch", ("model.start", "scratch")),
        ("corpus.path=/some where/else", ("corpus.path", "/some where/else")),
        ("a=b=c", ("a", "b=c")),
        ("a=", ("a", "")),
        (" a =1", ("a", 1)),
    ],
)
def test_settings_are_toml_or_else_text(text: str, expected: tuple[str, Any]) -> None:
    assert parse_setting(text) == expected


def test_without_anything_it_is_the_first_look() -> None:
    assert _requested(None) == Experiment.load("quickstart")


def test_settings_data_and_seeds(file: str) -> None:
    found = _requested(
        file, data=Path("else"), settings=["training.rounds=7", "seed=3", "corpus.kind=manifest"], seeds=[8]
    )
    assert (found.corpus.path, found.training.rounds, found.seed, found.seeds) == ("else", 7, 8, ())
    assert _requested(file, seeds=[4, 2]).seeds == (4, 2)


def test_strategies_choose_rows_or_add_one(file: str) -> None:
    chosen = _requested(file, strategies=["fedavg", "flwr.serverapp.strategy:FedAdam", "centralised"])
    assert [(row.name, row.strategy) for row in chosen.compare] == [
        ("fedavg", "fedavgm"), ("fedadam", "flwr.serverapp.strategy:FedAdam"), ("centralised", "centralised"),
    ]  # fmt: skip
    assert chosen.compare[0].options == {"momentum": 0.5, "nesterov": True}


def test_a_strategy_named_twice_is_one_row(file: str) -> None:
    assert len(_requested(file, strategies=["fedavg", "fedavg"]).compare) == 1


def test_a_row_whose_name_is_taken_gets_a_number(file: str) -> None:
    found = _requested(file, strategies=["fedavg", "flwr.serverapp.strategy:FedAvg"])
    assert [(row.name, row.strategy) for row in found.compare] == [
        ("fedavg", "fedavgm"), ("fedavg-2", "flwr.serverapp.strategy:FedAvg"),
    ]  # fmt: skip


def test_settings_reach_a_row_that_a_strategy_adds(file: str) -> None:
    found = _requested(
        file, strategies=["flwr.serverapp.strategy:FedAdam"], settings=["compare.fedadam.options.eta=0.01"]
    )
    assert [(row.name, row.options) for row in found.compare] == [("fedadam", {"eta": 0.01})]


def test_a_run_is_gone_on_with_by_the_words_that_began_it(file: str, tmp_path: Path) -> None:
    words = {"strategies": ["flwr.serverapp.strategy:FedAvg", "gtc"], "settings": ["compare.gtc.options.density=0.1"]}
    begun = _requested(file, **words)
    Run.create(begun, tmp_path / "run")
    assert _requested(file, resume=tmp_path / "run", **words) == begun
    assert _requested(None, resume=tmp_path / "run", **words) == begun


def test_a_strategy_beside_a_table_that_is_wrong_is_told_of_it(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text("compare = 3\n")
    with pytest.raises(UserError, match="'compare' must be a list"):
        _requested(str(tmp_path / "odd.toml"), strategies=["gtc"])


def test_settings_reach_rows_that_strategies_then_choose(file: str) -> None:
    found = _requested(file, settings=["compare.fedavg.options.momentum=0.1"], strategies=["fedavg"])
    assert found.compare[0].options["momentum"] == 0.1
