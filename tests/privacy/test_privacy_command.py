"""``python -m fedasr.privacy``."""

import json
import math
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from typer.testing import CliRunner

from fedasr.privacy.__main__ import app
from fedasr.privacy.accounting.exact import gaussian_epsilon
from fedasr.privacy.printed import rounded_up


@pytest.fixture
def votes(tmp_path):
    path = tmp_path / "votes.npy"
    np.save(path, np.tile([200, 50] + [0] * 8, (400, 1)))
    return str(path)


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(*words):
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_pate_gnmax(votes):
    said = answer("pate", votes, "--mechanism", "gnmax", "--sigma", 40, "--delta", 1e-5, "--orders", "2,20")
    assert (said["votes"], said["teachers"], said["classes"]) == (400, 250, 10)
    assert (said["adjacency"], said["conversion"], said["expected_answered"]) == ("replace-one", "exact", 400)
    assert said["rdp"].keys() == {"2", "20"}
    assert said["rdp"]["20"]["data_independent"] == pytest.approx(400 * 20 / 1600)
    assert said["rdp"]["20"]["data_dependent"] == pytest.approx(400 * 2.90776e-03, rel=1e-5)
    epsilon = said["epsilon"]
    assert epsilon["data_independent"] == pytest.approx(gaussian_epsilon(math.sqrt(2 * 400) / 40, 1e-5))
    assert said["bound"] == {"data_independent": "exact", "data_dependent": "rdp, classic", "sanitised": "exact"}
    assert epsilon["data_dependent"] < epsilon["data_independent"]
    assert epsilon["sanitised"] >= epsilon["data_dependent"]
    assert "rdp_threshold" not in said


def test_orders_only_choose_what_is_printed(votes):
    few = answer("pate", votes, "--mechanism", "lnmax", "--scale", 20, "--delta", 1e-5, "--orders", "3")
    many = answer("pate", votes, "--mechanism", "lnmax", "--scale", 20, "--delta", 1e-5)
    assert few["epsilon"] == many["epsilon"]
    assert many["rdp"].keys() == {"2", "8", "32"}
    assert few["epsilon"]["sanitised"] is few["sanitised_release"] is None


def test_improved_conversion_is_tighter(votes):
    words = ("pate", votes, "--mechanism", "lnmax", "--scale", 20, "--delta", 1e-5)
    classic, improved = answer(*words), answer(*words, "--conversion", "improved")
    assert improved["epsilon"]["data_independent"] < classic["epsilon"]["data_independent"]


def test_pate_confident(votes):
    said = answer("pate", votes, "--mechanism", "confident-gnmax", "--sigma", 40, "--threshold", 200,
                  "--sigma-threshold", 60, "--delta", 1e-5, "--orders", "2")  # fmt: skip
    assert said["expected_answered"] == pytest.approx(200)
    assert said["rdp_threshold"]["2"]["data_independent"] == pytest.approx(400 * 2 / 7200)
    assert said["rdp"]["2"]["data_independent"] == pytest.approx(400 * 2 / 1600)
    assert {"expected_answered", "epsilon.data_dependent"} <= set(said["private"])


def test_the_guarantee_of_a_confident_vote_does_not_depend_on_the_votes(votes, tmp_path):
    np.save(tmp_path / "split.npy", np.tile([125, 125] + [0] * 8, (400, 1)))
    words = ("--mechanism", "confident-gnmax", "--sigma", 40, "--threshold", 200, "--sigma-threshold", 60)
    told = [answer("pate", path, *words, "--delta", 1e-5) for path in (votes, tmp_path / "split.npy")]
    assert told[0]["epsilon"]["data_independent"] == told[1]["epsilon"]["data_independent"]
    assert told[0]["expected_answered"] > 2 * told[1]["expected_answered"]
    shown = " ".join(invoke("pate", votes, *words, "--delta", 1e-5).stdout.split())
    assert "expected answered (private)" in shown


def test_every_epsilon_says_what_it_holds_for(tmp_path):
    np.save(tmp_path / "agreed.npy", np.tile([970, 20, 10], (500, 1)))
    said = answer("pate", tmp_path / "agreed.npy", "--mechanism", "gnmax", "--sigma", 80, "--delta", 1e-5)
    assert said["sanitised_kind"] == "sanitised"
    assert "each call draws another" in said["sanitised_release"]
    assert said["holds"]["data_independent"].startswith("in both directions")
    for kind in ("data_dependent", "sanitised"):
        assert said["holds"][kind].startswith("in one direction")
        assert "for queries fixed in advance" in said["holds"][kind]
    assert "expected_answered" not in said["private"]


def test_labels_of_teachers_in_place_of_votes_are_refused(tmp_path):
    np.save(tmp_path / "labels.npy", np.random.default_rng(0).integers(0, 10, size=(100, 40)))
    result = invoke("pate", tmp_path / "labels.npy", "--mechanism", "gnmax", "--sigma", 40, "--delta", 1e-5)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "is this (votes, classes)?" in result.stderr


def test_add_remove_has_no_data_dependent_bound(votes):
    said = answer("pate", votes, "--mechanism", "gnmax", "--sigma", 40, "--delta", 1e-5, "--adjacency", "add-remove")
    assert said["epsilon"]["data_dependent"] is said["epsilon"]["sanitised"] is None
    assert said["rdp"]["8"] == {"data_independent": pytest.approx(400 * 8 / 3200), "data_dependent": None}


def test_dpsgd():
    said = answer(
        "dpsgd", "--examples", 60000, "--batch", 256, "--epochs", 10, "--noise-multiplier", 1.2, "--delta", 1e-5
    )
    assert said["epsilon"]["rdp"] == pytest.approx(1.20, rel=0.01)
    assert 0 < said["epsilon"]["pld"] < said["epsilon"]["rdp"]
    assert said["adjacency"] == "add-remove"
    assert (said["epsilon_bound"], said["pld_missing"]) == ("pld", None)


def test_dpsgd_without_sampling_composes_exactly():
    words = ("dpsgd", "--examples", 1000, "--batch", 1000, "--epochs", 3, "--noise-multiplier", 2, "--delta", 1e-5)
    said, mu = answer(*words), math.sqrt(3) / 2
    exact = said["epsilon"]["exact"]
    delta = norm.cdf(mu / 2 - exact / mu) - math.exp(exact) * norm.cdf(-mu / 2 - exact / mu)
    assert delta == pytest.approx(1e-5, rel=1e-6)
    assert said["epsilon_bound"] == "exact"
    assert exact < said["epsilon"]["rdp"]


@pytest.mark.parametrize(
    ("noise", "delta", "epochs"), [(0.05, 1e-5, 60), (1e-6, 1e-5, 60), (1.0, 1e-13, 60), (100.0, 1e-5, 1e5)]
)
def test_what_losses_cannot_tell_is_said_and_takes_no_time(noise, delta, epochs):
    """It took minutes and gigabytes, or ended in a traceback."""
    words = ("--examples", 60000, "--batch", 256, "--epochs", epochs, "--noise-multiplier", noise, "--delta", delta)
    before = time.process_time()
    said = answer("dpsgd", *words)
    assert time.process_time() - before < 10
    assert said["epsilon"]["pld"] is None
    assert said["epsilon"]["rdp"] > 0
    assert said["epsilon_bound"] == "rdp"
    assert said["pld_missing"] in " ".join(invoke("dpsgd", *words).stdout.split())


@pytest.mark.parametrize(
    "words",
    [("--noise-multiplier", 1e-9), ("--batch", 1e-300), ("--epochs", 1e300), ("--batch", 11), ("--epochs", "nan")],
)
def test_absurd_training_is_refused_in_one_line(words):
    usual = {"--examples": 10, "--batch": 5, "--epochs": 1, "--noise-multiplier": 1, "--delta": 1e-5}
    result = invoke("dpsgd", *(word for pair in {**usual, words[0]: words[1]}.items() for word in pair))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {words[0]}") or words[0] in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_noisy_mean_is_told_for_who_sees_it_and_for_who_sees_what_it_is_the_mean_of():
    said = answer("mean", "--teachers", 250, "--sigma", 0.05, "--releases", 100, "--delta", 1e-5)
    mu = {seen: math.sqrt(100) * math.sqrt(2) / (250**power * 0.05) for seen, power in (("mean", 1), ("each", 0.5))}
    for seen, epsilon in said["epsilon"].items():
        delta = norm.cdf(mu[seen] / 2 - epsilon / mu[seen])
        delta -= math.exp(epsilon + norm.logcdf(-mu[seen] / 2 - epsilon / mu[seen]))
        assert delta == pytest.approx(1e-5, rel=1e-6)
    assert said["bound"] == {"mean": "exact", "each": "exact"}
    shown = invoke("mean", "--teachers", 250, "--sigma", 0.05, "--releases", 100, "--delta", 1e-5).stdout
    assert "to who sees each teacher's noisy vector" in shown


WORDS = "plan --epsilon 1 --delta 1e-5 --silos 40 --utterances 20 --public-utterances 2000 --labels 49"
PLAN = tuple(WORDS.split())


def test_plan():
    said = answer(*PLAN)
    assert {p["mechanism"] for p in said["plans"]} == {"gnmax", "lnmax", "confident-gnmax", "dp-fedavg"}
    assert "cannot be met: 40 teachers, the noise would be 1,668 votes" in invoke(*PLAN).stdout.replace("\n", " ")


def test_tables_name_the_kinds(votes):
    shown = invoke("pate", votes, "--mechanism", "gnmax", "--sigma", 40, "--delta", 1e-5).stdout
    assert "data-dependent: itself private, no guarantee" in shown
    assert "replace-one" in shown


@pytest.mark.parametrize(
    "words",
    [
        ("--mechanism", "gnmax", "--delta", 1e-5),
        ("--mechanism", "gnmax", "--sigma", 0, "--delta", 1e-5),
        ("--mechanism", "gnmax", "--sigma", "nan", "--delta", 1e-5),
        ("--mechanism", "gnmax", "--sigma", 1e-300, "--delta", 1e-5),
        ("--mechanism", "gnmax", "--sigma", 1e300, "--delta", 1e-5),
        ("--mechanism", "gnmax", "--sigma", 3, "--scale", 3, "--delta", 1e-5),
        ("--mechanism", "rnmax", "--sigma", 3, "--delta", 1e-5),
        ("--mechanism", "gnmax", "--sigma", 3, "--delta", 1.5),
        ("--mechanism", "gnmax", "--sigma", 3, "--delta", 1e-5, "--adjacency", "swap"),
        ("--mechanism", "gnmax", "--sigma", 3, "--delta", 1e-5, "--conversion", "best"),
        ("--mechanism", "gnmax", "--sigma", 3, "--delta", 1e-5, "--orders", "1,2"),
        ("--mechanism", "gnmax", "--sigma", 3, "--delta", 1e-5, "--orders", "two"),
        ("--mechanism", "gnmax", "--sigma", 3),
        ("--mechanism", "gnmax", "--wrong", 3),
    ],
)
def test_wrong_requests_are_told_in_one_line(votes, words):
    result = invoke("pate", votes, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_as_a_process(tmp_path):
    (tmp_path / "bad.npy").write_bytes(b"no array")
    words = [sys.executable, "-m", "fedasr.privacy", "pate", str(tmp_path / "bad.npy"), "--mechanism", "gnmax"]
    ended = subprocess.run([*words, "--sigma", "4", "--delta", "1e-5"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "bad.npy" in ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("mean", "--teachers", "50", "--sigma", "0.1", "--releases", "10", "--delta", "0.5"),
        ("dpsgd", "--examples", "100", "--batch", "10", "--epochs", "1", "--noise-multiplier", "1", "--delta", "0.01"),
        (*PLAN, "--delta", "0.1"),
    ],
)
def test_a_delta_at_which_a_unit_may_be_published_is_refused(command):
    found = invoke(*command)
    assert found.exit_code == 2
    assert "allows to publish one of them as it is" in " ".join(found.stderr.split())


@given(st.floats(1e-6, 1e9))
def test_noise_that_is_printed_is_never_less_than_planned(noise: float) -> None:
    printed = float(f"{rounded_up(noise):.6g}")
    assert noise <= printed <= noise * (1 + 1e-5)
