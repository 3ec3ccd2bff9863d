"""Who is trusted with what where teachers vote; where they add the noise, both ε."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from fedasr.strategies.pate_settings import PATESettings
from fedasr.strategies.pate_trust import COUNTING, against_server, noise_of, trust_of
from support.running import tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.privacy.accounting.calibration import noise_for, with_noise
from fedasr.privacy.accounting.exact import gaussian_epsilon
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.allowances import GaussianBudget
from fedasr.privacy.mechanisms.gaussian import NoisyMean

TEACHERS = 25


def _plan(**options: Any) -> PATESettings:
    return PATESettings(**{"mechanism": "noisy-mean", "noise_at": "teacher", **options})


@pytest.mark.parametrize("sees", ["each", "mean"])
@pytest.mark.parametrize("votes", [1, 7, 100, 2361])
def test_noise_is_planned_for_the_target_to_hold_against_the_party_that_is_not_trusted(sees: str, votes: int) -> None:
    """Recomputed by hand: an answer moves by √2; each has the noise s √n on it, the mean of n teachers s."""
    plan = _plan(server_sees=sees)
    noise = noise_for("noisy-mean", votes, 8.0, 1e-5, "replace-one", teachers=TEACHERS) * noise_of(plan, TEACHERS)
    seen = noise * math.sqrt(TEACHERS) if sees == "each" else noise * TEACHERS
    mu = math.sqrt(2 * votes) / seen
    assert 7.99 < gaussian_epsilon(mu, 1e-5) <= 8.0
    mechanism = against_server(plan, with_noise("noisy-mean", noise, teachers=TEACHERS))
    assert isinstance(mechanism, NoisyMean)
    assert mechanism.gaussian_mu("replace-one") == pytest.approx(mu / math.sqrt(votes), rel=1e-12)


def test_both_epsilons_are_told_and_the_larger_is_that_of_who_sees_each_answer() -> None:
    """At (8, 1e-5) for the mean of 25 teachers, who sees each vector sees (5 × 1.666)-GDP."""
    promise = Promise("silo", "replace-one", 1e-5, ((GaussianBudget(1.666), 1),))
    mean = trust_of(_plan(server_sees="mean"), promise, TEACHERS)
    (who, other), *_ = mean.beside
    assert "each teacher's noisy answer" in who
    assert other.epsilon == pytest.approx(gaussian_epsilon(5 * 1.666, 1e-5), rel=1e-6)
    assert other.epsilon > 60
    each = trust_of(_plan(), promise, TEACHERS)
    assert each.beside[0][1].epsilon == pytest.approx(gaussian_epsilon(1.666 / 5, 1e-5), rel=1e-6)
    assert each.text.startswith("no server is trusted: ")
    assert each.text.endswith("against who sees their mean alone, or the student, ε = 1.28")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"noise_at": "server", "server_sees": "mean"}, "server_sees"),
        ({"adjacency": "add-remove"}, "shows"),
    ],
)
def test_a_trust_that_does_not_fit_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        fedasr.run(_experiment(_row("x", **options)), grid="process")


def _row(name: str, **options: Any) -> dict[str, Any]:
    noisy = {"mechanism": "noisy-mean", "noise_at": "teacher", "teacher_steps": 1, "maximum_labels": 2}
    return {"name": name, "strategy": "pate", "options": {**noisy, **options}}


def _experiment(*rows: dict[str, Any]) -> Experiment:
    corpus = {"speakers": 10, "unlabelled_speakers": 1}
    return Experiment.from_table(tiny_table(corpus=corpus, compare=list(rows), central={"epochs": 1}))


def test_a_run_says_against_whom_each_epsilon_holds(tmp_path: Path) -> None:
    noisy = {"noise_multiplier": 1.0, "batch_size": 2}
    at_boundary = {"protection": "silo-noise", "protection_options": {"noise_multiplier": 1.0}}
    result = fedasr.run(
        _experiment(
            _row("each"), _row("mean", server_sees="mean"),
            {"name": "counted", "strategy": "pate", "options": {"teacher_steps": 1, "votes": "utterance"}},
            {"name": "in-silos", "strategy": "fedavg", "protection": "dp-sgd", "protection_options": noisy},
            {
                "name": "at-centre", "strategy": "centralised", "protection": "dp-sgd",
                "protection_options": {**noisy, "steps": 2},
            },
            {"name": "at-boundary", "strategy": "fedavg", **at_boundary},
            {"name": "public-only", "strategy": "public-only"},
        ),
        grid="process", out=tmp_path / "run",
    )  # fmt: skip
    rows = {row["name"]: row for row in result.rows}
    said = {
        "each": "no server is trusted", "mean": "the server is trusted to see the mean", "counted": COUNTING,
        "in-silos": "each silo is trusted with its own speech alone; who sees what a single silo sends, the server",
        "at-centre": "the centre is trusted with the speech of all silos; who sees the model alone is guarded",
        "at-boundary": "the server is trusted with each silo's change and with who took part",
    }  # fmt: skip
    page = (result.folder / "report.html").read_text()
    for name, words in said.items():
        assert rows[name]["trust"].startswith(words), name
        privacy = json.loads((result.folder / name / "privacy.json").read_text())
        assert privacy["trust"] == rows[name]["trust"]
        assert words.replace("'", "&#39;") in page
    assert rows["public-only"]["trust"] is None
    for name in ("each", "mean"):
        (other,) = json.loads((result.folder / name / "privacy.json").read_text())["beside"]
        beside = gaussian_epsilon(other["planned"][0]["mechanism"]["mu"], 1e-5)
        assert (beside > rows[name]["epsilon"]) == (name == "mean"), "each answer tells more than their mean"
