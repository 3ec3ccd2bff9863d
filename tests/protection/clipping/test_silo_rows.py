"""Clipping of what leaves a silo in whole rows: whatever the strategy, to the bit plain training within the bound."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg
from support.unequal import SIZES, run_unequal, stopped

from fedasr.common.errors import UserError
from fedasr.messages.records import arrays_of

INF = float("inf")


def _row(strategy: str, clip_norm: float | None, name: str = "row", **more: Any) -> dict[str, Any]:
    protected = {"protection": "clipping", "protection_options": {"granularity": "silo", "clip_norm": clip_norm}}
    return {"name": name, "strategy": strategy, **({} if clip_norm is None else protected), **more}


def _digests(corpus: Path, folder: Path, *rows: dict[str, Any], **more: Any) -> dict[str, str]:
    found = run_unequal(corpus, folder, *rows, **more)
    for row in found:
        assert row["status"] == "finished", row["failure"]
        assert (row["epsilon"], row["privacy_unit"], row["refused_replies"]) == (None, None, 0)
    return {row["name"]: row["model_sha256"] for row in found}


ROWS: dict[str, dict[str, Any]] = {
    "fedavg": {},
    "bmuf": {"options": {"block_momentum": 0.5, "local_optimizer": "keep"}},
    "gtc": {"options": {"density": 0.1}, "training": {"momentum": 0.5}},
    "scaffold": {"codec": "top-k", "codec_options": {"density": 0.1}},
    "fedopt": {"options": {"server_optimizer": "lamb", "weighting": "seconds"}},
    "fednova": {"training": {"local_epochs": 1}},
}


def test_an_infinite_bound_is_plain_training_to_the_bit(unequal_corpus: Path, tmp_path: Path) -> None:
    bounds = {"plain": None, "inf": INF, "cut": 1e-3}
    rows = [_row(s, bound, f"{s}-{name}", **more) for s, more in ROWS.items() for name, bound in bounds.items()]
    found = _digests(unequal_corpus, tmp_path / "run", *rows)
    for strategy in ROWS:
        assert found[f"{strategy}-inf"] == found[f"{strategy}-plain"] != found[f"{strategy}-cut"], strategy


class Spy(FedAvg):
    """Writes down how far each reply lies from what was sent."""

    norms: ClassVar[list[float]] = []

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        self.sent = arrays_of(arrays)
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        found = list(replies)
        for reply in found:
            arrays = arrays_of(reply.content.array_records["arrays"])
            squares = [np.square(array - self.sent[name], dtype=np.float64).sum() for name, array in arrays.items()]
            Spy.norms.append(float(np.sqrt(sum(squares))))
        return super().aggregate_train(server_round, found)


def test_no_reply_leaves_its_silo_longer_than_the_bound(unequal_corpus: Path, tmp_path: Path) -> None:
    lengths: dict[float, list[float]] = {}
    for bound in (INF, 0.01):
        Spy.norms.clear()
        _digests(unequal_corpus, tmp_path / str(bound), _row(f"{__name__}:Spy", bound))
        lengths[bound] = list(Spy.norms)
    assert len(lengths[0.01]) == len(lengths[INF]) == 2 * len(SIZES)
    assert min(lengths[INF]) > 0.02
    assert 0.0099 < min(lengths[0.01]) <= max(lengths[0.01]) <= 0.01


@pytest.mark.parametrize("strategy", ["centralised", "local-only", "pate"])
def test_where_no_silo_replies_with_a_change_it_is_refused_before_anything_is_trained(
    strategy: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    told = rf"row\.protection: bounds what silos reply, and '{strategy}' sums no changes of theirs; take"
    with pytest.raises(UserError, match=told) as refused:
        run_unequal(unequal_corpus, tmp_path / "run", _row(strategy, 1.0))
    assert len(refused.value.lines) == 1
    assert not (tmp_path / "run").exists()


def test_a_stopped_row_goes_on_to_the_same_bits_and_ray_gives_them_too(unequal_corpus: Path, tmp_path: Path) -> None:
    row = _row("bmuf", 0.01, **ROWS["bmuf"], codec="top-k", codec_options={"density": 0.1})
    whole = _digests(unequal_corpus, tmp_path / "whole", row)
    with stopped(1, is_saved=True):
        run_unequal(unequal_corpus, tmp_path / "stopped", row)
    assert _digests(unequal_corpus, tmp_path / "stopped", row) == whole
    assert _digests(unequal_corpus, tmp_path / "ray", row, grid="ray") == whole
