"""Gradient exchange: GTC is synchronous SGD behind a threshold, and what stays behind is not lost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tolerance import rounding

from fedasr.asr.recogniser import Recogniser, digest
from fedasr.common.errors import RowError, UserError
from fedasr.common.files import read_lines
from fedasr.engine.assembly import Assembly
from fedasr.engine.preparation import Prepared
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.grid.in_process import InProcess
from fedasr.runs.row_folder import RowFolder
from fedasr.server.rounds import drive
from fedasr.server.strategies_by_name import build_strategy, codec_of
from fedasr.wire.codecs_by_name import codec_name

ROUNDS = 3
Weights = Mapping[str, np.ndarray]


def _start(prepared: Prepared) -> Weights:
    torch.manual_seed(0)
    return Recogniser(prepared.recogniser_spec, prepared.tokens).weights()


def _trained(prepared: Prepared, folder: Path, strategy: str, **row: Any) -> Weights:
    training = {"rounds": ROUNDS, "silos_per_round": 0, **row.pop("training", {})}
    spec = RowSpec("exchange", strategy, training=training, **row)
    parts = Assembly(prepared, spec, 3, _start(prepared), RowFolder(folder), InProcess(), Watcher())
    central = parts.central(parts.grid())
    found = drive(parts.strategy, central.grid, central)
    assert found is not None
    return found


def _distance(one: Weights, other: Weights) -> float:
    return float(sum(((one[n].astype(np.float64) - other[n]) ** 2).sum() for n in one)) ** 0.5


def _size(model: Weights) -> float:
    return _distance(model, {name: np.zeros_like(array) for name, array in model.items()})


def test_gtc_is_synchronous_sgd_with_the_threshold_codec(prepared: Prepared, tmp_path: Path) -> None:
    gtc = _trained(prepared, tmp_path / "a", "gtc", options={"density": 0.05})
    same = _trained(prepared, tmp_path / "b", "sync-sgd", codec="threshold", codec_options={"density": 0.05})
    assert digest(gtc) == digest(same)
    assert digest(gtc) != digest(_trained(prepared, tmp_path / "c", "sync-sgd"))


@pytest.mark.parametrize(
    "options",
    [{"tau": 0.2}, {"density": 0.1}, {"band": [0.1, 0.3]}, {"tau": 0.2, "residual_clip": 4.0, "form": "map"}, {}],
)
def test_every_option_of_the_threshold_reaches_the_codec(options: dict[str, Any]) -> None:
    """By itself it would send other bits and nobody would know."""
    row = RowSpec("r", "gtc", options=options)
    named = RowSpec("r", "sync-sgd", codec="threshold", codec_options=options)
    codec, same = (codec_of(spec, build_strategy(spec, TrainingSpec(), 4)) for spec in (row, named))
    assert codec == same
    for name, value in options.items():
        assert getattr(codec, name) == (tuple(value) if isinstance(value, list) else value)


def test_towards_a_threshold_of_nothing_gtc_becomes_dense_synchronous_sgd(prepared: Prepared, tmp_path: Path) -> None:
    """A step sends at most τ of a value, so τ goes to zero with the learning rate: what waits is below τ."""

    def lag(scale: int) -> float:
        training = {"rounds": 2 * scale, "learning_rate": 0.2 / scale, "gradient_norm": 1.0}
        gtc = _trained(prepared, tmp_path / f"gtc{scale}", "gtc", options={"tau": 0.1 / scale}, training=training)
        dense = _trained(prepared, tmp_path / f"dense{scale}", "sync-sgd", training=training)
        return _distance(gtc, dense) / _distance(_start(prepared), dense)

    lags = [lag(1), lag(8), lag(64)]
    assert lags[0] > 1.7 * lags[1] > 2.8 * lags[2]


def test_one_exchange_of_plain_sgd_is_one_averaged_local_step(prepared: Prepared, tmp_path: Path) -> None:
    training = {"rounds": 1, "local_steps": 1}
    sync = _trained(prepared, tmp_path / "a", "sync-sgd", training=training)
    mean = _trained(prepared, tmp_path / "b", "fedavg", options={"weighting": "uniform"}, training=training)
    # The change is added to the model once, and the model is averaged: each rounds the model.
    assert _distance(sync, mean) < rounding(2, _size(sync))
    assert _distance(sync, _start(prepared)) > rounding(200, _size(sync))


def test_momentum_in_the_silos_is_momentum_of_the_server(prepared: Prepared, tmp_path: Path) -> None:
    silos = _trained(prepared, tmp_path / "a", "sync-sgd", training={"momentum": 0.5})
    server = _trained(prepared, tmp_path / "b", "sync-sgd", options={"server_momentum": 0.5})
    # A round rounds the model and its momentum, and the next gradients are those of the rounded model.
    assert _distance(silos, server) < rounding(8 * ROUNDS, _size(silos))
    assert _distance(silos, _start(prepared)) > rounding(800 * ROUNDS, _size(silos))


def test_accumulated_batches_change_the_step_and_count_as_speech(prepared: Prepared, tmp_path: Path) -> None:
    one = _trained(prepared, tmp_path / "one", "gtc", training={"rounds": 1})
    two = _trained(prepared, tmp_path / "two", "gtc", options={"accumulate": 2}, training={"rounds": 1})
    assert digest(one) != digest(two)
    seconds = [
        sum(line["audio_seconds"] or 0 for line in read_lines(tmp_path / name / "traffic.jsonl"))
        for name in ("one", "two")
    ]
    assert seconds[1] > 1.3 * seconds[0] > 0


def test_a_block_sends_as_much_as_a_step_so_bmuf_saves_by_its_block_length_exactly(
    prepared: Prepared, tmp_path: Path
) -> None:
    def uplink(name: str) -> int:
        lines = read_lines(tmp_path / name / "traffic.jsonl")
        return sum(m["blob_bytes"] + m["envelope_bytes"] for m in lines if m["direction"] == "up")

    _trained(prepared, tmp_path / "steps", "sync-sgd", training={"rounds": 6})
    _trained(prepared, tmp_path / "blocks", "fedavg", training={"rounds": 2, "local_steps": 3})
    assert uplink("steps") == 3 * uplink("blocks")


def test_the_downlink_carries_only_what_changed(prepared: Prepared, tmp_path: Path) -> None:
    _trained(prepared, tmp_path / "gtc", "gtc", options={"density": 0.002})
    _trained(prepared, tmp_path / "dense", "sync-sgd")
    sizes = {
        name: [line["downlink_bytes"] for line in read_lines(tmp_path / name / "metrics.jsonl")][1:]
        for name in ("gtc", "dense")
    }
    assert sizes["gtc"][0] == sizes["dense"][0]
    assert all(sparse < dense / 10 for sparse, dense in zip(sizes["gtc"][1:], sizes["dense"][1:], strict=True))


def test_density_and_threshold_are_logged(prepared: Prepared, tmp_path: Path) -> None:
    _trained(prepared, tmp_path / "gtc", "gtc", options={"tau": 0.004})
    lines = read_lines(tmp_path / "gtc" / "metrics.jsonl")[1:]
    assert [line["threshold"] for line in lines] == pytest.approx([0.004] * ROUNDS, rel=1e-6)
    assert all(0 < line["density"] < 1 for line in lines)


def test_a_row_may_name_another_codec_than_its_strategy_proposes() -> None:
    def name(**row: Any) -> str:
        spec = RowSpec("r", **row)
        return codec_name(codec_of(spec, build_strategy(spec, TrainingSpec(), 4)))

    assert name(strategy="gtc") == "threshold"
    assert name(strategy="gtc", codec="dense") == "dense"
    assert name(strategy="fedavg") == "dense"
    assert name(strategy="fedavg", codec="int8") == "int8"
    with pytest.raises(UserError, match=r"compare\.r: codec_options"):
        name(strategy="fedavg", codec_options={"density": 0.1})


@pytest.mark.parametrize(
    "options", [{"tau": 0.0}, {"tau": -1.0}, {"density": 2.0}, {"band": [0.1]}, {"form": "oval"}, {"accumulate": 0},
                {"tau": 0.1, "density": 0.1}, {"server_momentum": 1.0}, {"weighting": "loudness"}]
)  # fmt: skip
def test_what_it_refuses(options: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        build_strategy(RowSpec("r", "gtc", options=options), TrainingSpec(), 4)


def test_only_sgd_has_changes_that_add_up(prepared: Prepared, tmp_path: Path) -> None:
    with pytest.raises(RowError, match="sgd"):
        _trained(prepared, tmp_path, "sync-sgd", training={"optimizer": "adamw"})


@pytest.mark.parametrize("codec", ["fp16", "int8", "threshold", "top-k", "powersgd", "sign"])
def test_any_codec_serves_any_strategy(prepared: Prepared, tmp_path: Path, codec: str) -> None:
    dense = _trained(prepared, tmp_path / "dense", "fedavg", training={"rounds": 2})
    coded = _trained(prepared, tmp_path / "coded", "fedavg", codec=codec, training={"rounds": 2})
    assert 0 < _distance(coded, dense) < 1.2 * _distance(_start(prepared), dense)
    up = [
        sum(m["blob_bytes"] for m in read_lines(tmp_path / name / "traffic.jsonl") if m["direction"] == "up")
        for name in ("coded", "dense")
    ]
    assert up[0] < 0.6 * up[1]
