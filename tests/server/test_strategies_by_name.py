from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest
from fedasr.strategies.fedavg import FedAvg
from fedasr.strategies.local_only import LocalOnly
from flwr.serverapp import strategy as flower

import fedasr.common.registry
from fedasr.common.errors import UserError
from fedasr.common.settings import Settings, from_table, number, to_table
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.strategy_options import STRATEGIES, strategy_class
from fedasr.server.foreign.own_loop import wants_central
from fedasr.server.strategies_by_name import (
    build_strategy,
    row_of,
)


class Theirs(flower.FedAvg):
    def __init__(self, spice: int = 0, **others: Any) -> None:
        super().__init__(**others)
        self.spice = spice


@dataclass(frozen=True)
class SeasonedSettings(Settings):
    spice: int = number(0, most=9)
    salt: float = number(1.0, above=0)


class Seasoned(flower.FedAvg):
    settings_class = SeasonedSettings

    def __init__(self, settings: SeasonedSettings, workers: int, **sampling: Any) -> None:
        super().__init__(**sampling)
        self.settings, self.workers = settings, workers


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package registers a strategy."""
    others = fedasr.common.registry._points
    points = EntryPoints([
        EntryPoint("fedavg", "fedasr.strategies.fedavg:FedAvg", STRATEGIES.group),
        EntryPoint("theirs", f"{__name__}:Theirs", STRATEGIES.group),
        EntryPoint("broken", "no.such.module:X", STRATEGIES.group),
    ])  # fmt: skip
    monkeypatch.setattr(
        fedasr.common.registry, "_points", lambda group: points if group == STRATEGIES.group else others(group)
    )


def test_our_own_are_registered() -> None:
    assert {"centralised", "local-only", "public-only", "fedavg"} <= set(STRATEGIES.known())
    assert strategy_class("fedavg") is FedAvg


@pytest.mark.usefixtures("theirs")
def test_a_third_partys_strategy_is_found_and_given_its_options(tiny: Experiment) -> None:
    assert strategy_class("theirs") is Theirs
    built = build_strategy(RowSpec("a", "theirs", options={"spice": 3}), tiny.training, 4)
    assert isinstance(built, Theirs)
    assert built.spice == 3
    assert built.fraction_train == 0.75
    with pytest.raises(UserError, match="'theirs'"):
        strategy_class("their")
    with pytest.raises(UserError, match="cannot be imported"):
        strategy_class("broken")


def test_a_strategy_is_given_the_settings_it_names(tiny: Experiment) -> None:
    row = RowSpec("mine", f"{__name__}:Seasoned", options={"spice": 3})
    built: Any = build_strategy(row, tiny.training, 4)
    assert built.settings == SeasonedSettings(3)
    assert (built.workers, built.fraction_train) == (3, 0.75)
    with pytest.raises(UserError) as error:
        build_strategy(replace(row, options={"spice": 10, "salt": 0, "fraction_train": 1.0}), tiny.training, 4)
    assert sorted(error.value.lines) == [
        "compare.mine.options: 'salt' must be a number above 0, not 0",
        "compare.mine.options: 'spice' must be a whole number of at most 9, not 10",
        "compare.mine.options: unknown key 'fraction_train'; known: salt, spice",
    ]


@pytest.mark.parametrize("name", sorted(STRATEGIES.known()))
def test_every_strategy_of_ours_says_what_its_settings_are(name: str) -> None:
    settings = strategy_class(name).settings_class  # type: ignore[attr-defined]
    assert issubclass(settings, Settings)
    assert from_table(settings, to_table(settings()), "here") == settings()


def test_import_paths() -> None:
    assert strategy_class("flwr.serverapp.strategy:FedAdam") is flower.FedAdam
    row = row_of("flwr.serverapp.strategy:FedAdam")
    assert (row.name, row.strategy) == ("fedadam", "flwr.serverapp.strategy:FedAdam")
    assert row_of("fedavg") == RowSpec("fedavg", "fedavg")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("fedavgg", "did you mean 'fedavg'"),
        ("zzz", "known: bmuf, centralised"),
        ("no.such:Thing", "cannot be imported"),
        ("fedasr.server.strategies_by_name:Nothing", "cannot be imported"),
        ("fedasr.experiment.strategy_options:STRATEGIES", "not a Flower strategy"),
        ("collections:OrderedDict", "not a Flower strategy"),
        (":FedAvg", ":FedAvg"),
        ("flwr:", "flwr:"),
    ],
)
def test_what_is_no_strategy_is_refused(name: str, part: str) -> None:
    with pytest.raises(UserError) as error:
        strategy_class(name)
    assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("drawn", "silos", "expected"), [(0, 8, 8), (3, 8, 3), (20, 8, 8), (1, 8, 1), (7, 9, 7)])
@pytest.mark.parametrize("name", ["fedavg", "flwr.serverapp.strategy:FedAdam", "flwr.serverapp.strategy:Krum"])
def test_as_many_silos_are_drawn_as_were_asked_for(
    name: str, drawn: int, silos: int, expected: int, tiny: Experiment
) -> None:
    training = tiny.with_value("training.silos_per_round", drawn).training
    strategy: Any = build_strategy(RowSpec("a", name), training, silos)
    assert max(int(silos * strategy.fraction_train), strategy.min_train_nodes) == expected
    assert strategy.min_available_nodes <= silos
    assert strategy.fraction_evaluate == 0


def test_options_override_the_sampling(tiny: Experiment) -> None:
    row = RowSpec("a", "flwr.serverapp.strategy:FedAvg", options={"fraction_train": 1.0})
    assert build_strategy(row, tiny.training, 4).fraction_train == 1.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("strategy", "options", "part"),
    [
        ("local-only", {"stesp": 3}, "'stesp'"),
        ("local-only", {"stesp": 3}, "did you mean 'steps'"),
        ("fedavgm", {"momentun": 0.3}, "did you mean 'momentum'"),
        ("fedavgm", {"momentum": 1.5}, "1.5"),
        ("fedopt", {"server_optimizer": "lion"}, "lion"),
        ("flwr.serverapp.strategy:FedAdam", {"etta": 0.3}, "did you mean 'eta'"),
    ],
)
def test_bad_options_name_row_and_option(strategy: str, options: dict, part: str, tiny: Experiment) -> None:
    with pytest.raises(UserError) as error:
        build_strategy(RowSpec("mine", strategy, options=options), tiny.training, 4)
    assert str(error.value).startswith("compare.mine.options: ")
    assert part in str(error.value)


def test_who_wants_the_central_side() -> None:
    assert wants_central(LocalOnly())
    assert not wants_central(FedAvg())
    assert not wants_central(flower.FedAdam())
