from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.mechanisms.kinds import mechanism_from
from fedasr.report import write_page
from fedasr.report.tables.privacy import LEDGER_HEADINGS, VOTE_HEADINGS, ledger_rows, vote_rows
from fedasr.runs.reading import read_run

Make = Callable[..., Any]
GNMAX = {"kind": "gnmax", "sigma": 10.7839, "largest_weight": 1.0}
CHECK = {"kind": "threshold", "threshold": 5.1, "sigma": 6.0, "largest_weight": 2.0}
VOTES = {
    "utterances": 24, "transcribed": 9, "votes": 1234, "abstained": 15, "label_wer": 0.178, "agreement": 0.5434,
    "mechanism": {"kind": "confident-gnmax", "sigma": 4.0, "threshold": 5.1, "sigma_threshold": 6.0057},
}  # fmt: skip


def release(mechanism: dict[str, Any], count: int, key: str, **changes: Any) -> dict[str, Any]:
    values = {
        "mechanism": mechanism, "unit": "silo", "adjacency": "replace-one", "noise": "secure",
        "sampling_assumed": "all", "sampling_used": "all", "count": count, "key": key, "digest": key,
        "upper": None, "covers": [],
    }  # fmt: skip
    return {**values, **changes}


def write_privacy(folder: Path, ledger: Sequence[dict[str, Any]], **changes: Any) -> None:
    values = {
        "epsilon": 7.1533, "delta": 1e-5, "unit": "silo", "adjacency": "replace-one", "kind": "accountant",
        "epsilon_spent": 6.5, "epsilon_bound": "rdp", "confidence": 1.0, "ledger": ledger,
    }  # fmt: skip
    (folder / "privacy.json").write_text(json.dumps({**values, **changes}))


@pytest.fixture
def private_run(make_run: Make, make_row: Make) -> Path:
    """A run of one private row, which has voted, and one other."""
    rows = [make_row("pate", epsilon=7.1533, delta=1e-5, privacy_unit="silo"), make_row("public-only")]
    folder: Path = make_run(rows, silos=2)
    write_privacy(folder / "pate", [release(GNMAX, 24, "a"), release(CHECK, 24, "b"), release(GNMAX, 18, "c")])
    (folder / "pate/votes.json").write_text(json.dumps(VOTES))
    return folder


def ledger(folder: Path) -> list[dict[str, str]]:
    return [dict(zip(LEDGER_HEADINGS, map(str, row), strict=True)) for row in ledger_rows(read_run(folder))]


def test_like_releases_are_one_line_and_their_counts_add_up(private_run: Path) -> None:
    first, second = ledger(private_run)
    assert first == {
        "row": "pate", "mechanism": "gnmax", "its numbers": "σ 10.78", "unit, adjacency": "silo (replace-one)",
        "noise, sampling": "secure (sampling all)", "releases": "2", "count": "42",
        "ε promised": "7.16 (Rényi divergences, accountant)", "ε spent": "6.5", "δ": "1e-5",
    }  # fmt: skip
    assert (second["row"], second["releases"], second["count"], second["ε promised"]) == ("", "1", "24", "")
    assert second["its numbers"] == "threshold 5.1, σ 6, largest weight 2"


@pytest.mark.parametrize(
    "other", [{"noise": "reproducible"}, {"sampling_used": "shuffled"}, {"mechanism": {**GNMAX, "sigma": 10.7838}}]
)
def test_unlike_releases_are_never_one_line(private_run: Path, other: dict[str, Any]) -> None:
    write_privacy(private_run / "pate", [release(GNMAX, 1, "a"), release(**{**release(GNMAX, 2, "b"), **other})])
    assert [line["count"] for line in ledger(private_run)] == ["1", "2"]


def test_what_voids_a_release_is_said_in_its_line(private_run: Path) -> None:
    odd = release(GNMAX, 1, "a", noise="reproducible", sampling_assumed="poisson", sampling_used="shuffled")
    changes = {"epsilon": None, "epsilon_if_secure": 7.1533, "epsilon_spent": None, "epsilon_bound": None}
    write_privacy(private_run / "pate", [odd], kind="void", **changes)
    (line,) = ledger(private_run)
    assert line["noise, sampling"] == "reproducible (can be drawn again, sampling shuffled, accounted as poisson)"
    assert line["ε promised"] == "void (7.16) (no guarantee)"
    assert line["ε spent"] == "–"


@pytest.mark.parametrize(
    ("bound", "words"), [("exact", "exact composition"), ("pld", "privacy-loss distributions"), ("pure", "pure ε")]
)
def test_the_bound_that_is_promised_is_named(private_run: Path, bound: str, words: str) -> None:
    write_privacy(private_run / "pate", [release(GNMAX, 1, "a")], epsilon=8.0, epsilon_bound=bound)
    (line,) = ledger(private_run)
    assert (line["ε promised"], line["ε spent"]) == (f"8 ({words}, accountant)", "6.5")


def test_a_broken_promise_is_no_number(private_run: Path) -> None:
    changes = {"epsilon": None, "epsilon_bound": None, "kind": None, "broken": "more was released than was planned"}
    write_privacy(private_run / "pate", [release(GNMAX, 1, "a")], **changes)
    (line,) = ledger(private_run)
    assert (line["ε promised"], line["ε spent"]) == ("no guarantee (more was released than was planned)", "–")


def test_a_sanitised_epsilon_tells_its_confidence(private_run: Path) -> None:
    smooth = {"kind": "smooth-sensitivity", "order": 12.0, "beta": 0.01, "sigma": 8.0, "confidence": 0.999}
    write_privacy(
        private_run / "pate", [release(smooth, 1, "a")], kind="sanitised", epsilon_bound="sanitised", confidence=0.999
    )  # fmt: skip
    (line,) = ledger(private_run)
    assert line["ε promised"] == "7.16 (sanitised, covers the truth in 99.9% of releases)"


def test_a_data_dependent_epsilon_is_never_a_number_in_the_ledger(private_run: Path) -> None:
    write_privacy(private_run / "pate", [release(GNMAX, 1, "a")], kind="data-dependent")
    (line,) = ledger(private_run)
    assert line["ε promised"] == "no guarantee (data-dependent, not sanitised)"
    assert "7.1" not in str(line)
    assert "6.5" not in str(line)


def test_a_sampling_rate_does_not_look_smaller_nor_noise_larger(private_run: Path) -> None:
    sampled = {"kind": "sampled-gaussian", "noise_multiplier": 1.23459, "clip_norm": 1.0, "rate": 0.012341}
    write_privacy(private_run / "pate", [release(sampled, 1200, "a")])
    assert ledger(private_run)[0]["its numbers"] == "z 1.234, C 1, rate 0.0124"


def test_a_clip_norm_in_units_of_a_threshold_says_so(private_run: Path) -> None:
    mechanism = SampledGaussian(1.5, 1.0, 0.25, clip_unit="threshold")
    assert mechanism_from(mechanism.fields()) == mechanism
    assert "clip_unit" not in replace(mechanism, clip_unit="").fields()
    write_privacy(private_run / "pate", [release(mechanism.fields(), 20, "a")])
    assert ledger(private_run)[0]["its numbers"] == "z 1.5, C 1, in units of a step's threshold, rate 0.25"


def test_what_the_votes_were(private_run: Path) -> None:
    (line,) = vote_rows(read_run(private_run))
    assert dict(zip(VOTE_HEADINGS, map(str, line), strict=True)) == {
        "row": "pate", "mechanism": "confident-gnmax", "its noise": "σ 4, threshold 5.1, σ of the check 6.005",
        "votes": "1,234", "transcribed / asked": "9 / 24", "abstentions": "15", "label error %": "17.8",
        "agreement %": "54.3",
    }  # fmt: skip


def test_seeds_have_lines_of_their_own(make_run: Make, make_row: Make) -> None:
    folder = make_run([make_row("pate", seed, folder=f"pate@{seed}") for seed in (1, 2)], silos=2)
    for seed in (1, 2):
        write_privacy(folder / f"pate@{seed}", [release(GNMAX, seed, "a")])
    assert [(line["row"], line["count"]) for line in ledger(folder)] == [("pate, seed 1", "1"), ("pate, seed 2", "2")]


def test_the_page_shows_both_and_a_release_keeps_the_votes_to_itself(private_run: Path) -> None:
    full = write_page(private_run).read_text("utf-8")
    assert 'id="privacy"' in full
    assert "σ 10.78" in full
    assert "What the votes were" in full
    assert "54.3</td>" in full
    released = write_page(private_run, release=True).read_text("utf-8")
    assert "σ 10.78" in released
    assert "7.16" in released
    assert "What the votes were" not in released
    assert "54.3</td>" not in released
    assert "the votes and the partition are the simulator’s view" in released
    assert released.count("<table") == released.count("<caption") == released.count("</table>")


def test_a_long_ledger_is_folded(private_run: Path) -> None:
    kinds = [release({**GNMAX, "sigma": 1.5 + number}, 1, str(number)) for number in range(25)]
    write_privacy(private_run / "pate", kinds)
    text = write_page(private_run).read_text("utf-8")
    section = text[text.index('id="privacy"') :]
    assert "<summary>25 lines</summary>" in section
    assert section.count("<details") == section.count("</details>")


def test_without_privacy_the_page_says_nothing_of_it(make_run: Make) -> None:
    text = write_page(make_run(silos=2)).read_text("utf-8")
    assert 'id="privacy"' not in text
    assert "#privacy" not in text.split("</style>")[1]


@pytest.mark.parametrize("torn", ['{"epsilon": 3', "[]", '{"ledger": [null, 3]}', '{"ledger": [{"mechanism": null}]}'])
def test_torn_files_are_forgiven(private_run: Path, torn: str) -> None:
    for name in ("privacy.json", "votes.json"):
        (private_run / "pate" / name).write_text(torn)
    run = read_run(private_run)
    assert len(run.remarks) == (2 if torn.startswith('{"epsilon') else 0)
    assert write_page(private_run).is_file()


def test_a_ledger_is_escaped(private_run: Path) -> None:
    evil = "<script>alert(1)</script>"
    write_privacy(private_run / "pate", [release({"kind": evil, evil: evil}, 1, "a", unit=evil, noise=evil)])
    text = write_page(private_run).read_text("utf-8")
    assert text.count("<script") == 1  # the page's own
    assert text.count("&lt;script&gt;") >= 5
