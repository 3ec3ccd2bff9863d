"""A server that asks for what a silo does not allow gets nothing; where it got something, the row promises nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from flwr.app import ArrayRecord, Message, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, Result
from support.unequal import SIZES, StoppedError, run_unequal

from fedasr.common.files import read_lines
from fedasr.messages.kinds import SPEECH, Kind
from fedasr.messages.records import array_record
from fedasr.messages.train_request import TrainRequest
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.protection.releases import Charge
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with

SILOS = len(SIZES)


class Snoop(CentralStrategy):
    """Asks for speech, promises ε on something else, trains and goes on as if nothing had happened."""

    kind = "query.speech"
    trains = True

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        self.ask(central, self.kind)
        central.releases.promise(Promise("silo", "replace-one", 1e-5, ((NoisyMean(5.0, 8), 1),)))
        central.releases.announce("round.1", Charge(NoisyMean(5.0, 8), 1))
        if self.trains:
            self.ask(central, "train")
        central.after_round(1, 1, lambda: central.start, lambda: None)
        return result_with(array_record(central.start))

    def ask(self, central: Central, kind: str) -> None:
        content = TrainRequest(central.start, 1).to_record()
        central.grid.exchange([Message(content, node, kind) for node in central.grid.get_node_ids()], round=1)


class AskingLast(Snoop):
    """Asks for nothing else."""

    trains = False


class Declared(Snoop):
    """Says so beforehand: it is answered, and promises nothing."""

    asks: ClassVar[tuple[Kind, ...]] = (SPEECH,)


class Scorer(Snoop):
    """Has models trained alone and scored: errors leave that nobody pays for."""

    kind = "train.alone"


class Plain(Snoop):
    """Promises, and asks for nothing that a guarantee could not cover."""

    kind = "train.teacher"
    trains = False


class Rounds(FedAvg):
    """Goes by rounds."""

    def configure_train(self, *args: Any) -> Any:
        messages = list(super().configure_train(*args))
        return [Message(RecordDict(), message.metadata.dst_node_id, "query.speech") for message in messages]


def _run(corpus: Path, folder: Path, strategy: str, **changes: Any) -> dict[str, Any]:
    row = {"name": "row", "strategy": f"{__name__}:{strategy}", **changes}
    (found,) = run_unequal(corpus, folder, row)
    return found


@pytest.mark.parametrize("strategy", ["Snoop", "AskingLast"])
def test_speech_that_was_not_declared_is_refused_counted_and_said(
    strategy: str, unequal_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = _run(unequal_corpus, tmp_path / "run", strategy)
    assert row["refused_replies"] == SILOS
    said = [record.message for record in caplog.records if "query.speech" in record.message]
    assert len(said) == 1
    assert said[0].startswith("silo 0 and 3 more: not allowed here: 'query.speech'")
    upward = [line for line in read_lines(tmp_path / "run" / "row" / "traffic.jsonl") if line["direction"] == "up"]
    assert "query.speech" not in {line["kind"] for line in upward}
    kept = row["epsilon"] is not None
    assert kept == (strategy == "AskingLast"), "no speech was given away; Snoop has models sent that nobody pays for"


def test_a_strategy_that_goes_by_rounds_is_refused_too(unequal_corpus: Path, tmp_path: Path) -> None:
    row = _run(unequal_corpus, tmp_path / "run", "Rounds")
    assert row["status"] == "failed"
    assert "'query.speech'" in row["failure"]
    assert row["uplink_bytes"] == 0


@pytest.mark.parametrize(("strategy", "kind"), [("Declared", "query.speech"), ("Scorer", "train.alone")])
def test_what_was_answered_and_not_paid_for_takes_the_promise_away(
    strategy: str, kind: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    row = _run(unequal_corpus, tmp_path / "run", strategy)
    assert row["status"] == "finished", row["failure"]
    assert (row["epsilon"], row["delta"], row["epsilon_kind"]) == (None, None, None)
    assert row["note"] == f"promises nothing: {kind}, train was answered, which no guarantee covers"
    assert json.loads((tmp_path / "run" / "row" / "privacy.json").read_text())["epsilon"] is None


def test_a_promise_without_such_a_message_stands(unequal_corpus: Path, tmp_path: Path) -> None:
    assert _run(unequal_corpus, tmp_path / "run", "Plain")["epsilon"] > 0


def test_a_resumed_row_knows_what_was_answered_before_it_was_stopped(
    unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopping(*args: Any, **more: Any) -> None:
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(Central, "after_round", stopping)
        with pytest.raises(StoppedError):
            _run(unequal_corpus, tmp_path / "run", "Declared")
    monkeypatch.setattr(Declared, "kind", "train")
    assert _run(unequal_corpus, tmp_path / "run", "Declared")["epsilon"] is None
