"""``--json`` prints JSON that every reader can read, or one line that names the number and nothing else."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import fedasr.privacy.__main__ as privacy
from fedasr import api
from fedasr.common.console import echo_json
from fedasr.conform import app as conform
from fedasr.engine.conformity import trying
from fedasr.evaluate import app as evaluate
from fedasr.replay import app as replay
from fedasr.runs.replayed import retiming
from fedasr.verification import officer_page, verdict
from fedasr.verify import app as verify

DPSGD = ("dpsgd", "--examples", "9", "--batch", "3", "--epochs", "1", "--noise-multiplier", "1", "--delta", "1e-3")


@dataclasses.dataclass(frozen=True)
class _Found:
    """What a command finds, whatever it is asked."""

    wer: float
    holds: bool = True

    def differing(self) -> list[str]:
        return []


def called(app: typer.Typer, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*words, "--json"])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_command_prints_what_is_no_number(number: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = _Found(number)
    monkeypatch.setattr(api, "evaluate", lambda *_, **__: {"wer": number})
    monkeypatch.setattr(privacy, "dpsgd_answer", lambda *_: {"wer": number})
    monkeypatch.setattr(retiming, "replay", lambda *_: found)
    monkeypatch.setattr(trying, "tried", lambda *_: found)
    monkeypatch.setattr(officer_page, "as_json", lambda _: {"wer": number})
    monkeypatch.setattr(verdict, "verify", lambda *_: found)
    for app, words in (
        (evaluate, ("model",)), (privacy.app, DPSGD), (replay, ("run",)), (conform, ("fedavg",)),
        (verify, (str(tmp_path),)),
    ):  # fmt: skip
        code, out, err = called(app, *words)
        assert (code, out) == (2, ""), words
        assert err == f"error: --json: 'wer' is {number}, which is no result; JSON has no word for it\n"


def test_orders_whose_divergence_overflows_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "votes.npy", np.array([[10, 0], [7, 3]]))
    words = ("pate", str(tmp_path / "votes.npy"), "--mechanism", "gnmax", "--sigma", "1", "--delta", "1e-3")
    code, out, err = called(privacy.app, *words, "--orders", "1e308")
    assert (code, out) == (2, "")
    assert err == "error: --orders '1e308': every order must be a number above 1, at most 1e+06\n"


def test_half_a_character_is_escaped(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    echo_json({"text": "é\ud83d"})
    assert json.loads(capfdbinary.readouterr().out) == {"text": "é\ud83d"}


@pytest.mark.parametrize("epsilon", ["1e7", "1e308", "inf"])
def test_a_target_that_promises_nothing_is_refused(epsilon: str) -> None:
    study = ("--silos", "10", "--utterances", "10", "--public-utterances", "10", "--labels", "2")
    code, out, err = called(privacy.app, "plan", "--epsilon", epsilon, "--delta", "1e-5", *study)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "epsilon" in err
