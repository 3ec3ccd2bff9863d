"""Each answer of a silo is paid for, or free by what its kind says of itself; else nothing is promised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.unequal import run_unequal

from fedasr.common.errors import RowError
from fedasr.common.randomness import Streams
from fedasr.messages.kinds import EVALUATE, GRADIENT, LABEL, OWN, SPEECH, TEACHER, TRAIN, Kind
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.noise import Noise
from fedasr.protection.announcement import Announcement
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.none import Unprotected
from fedasr.protection.releases import Charge, Releases
from fedasr.runs.release_folder import ReleaseFolder

SECRET = Kind("query.secret", carries=("speech",))


class _Protected(Unprotected):
    """Pays for training."""

    guarantee = object()  # type: ignore[assignment]


def _releases(folder: Path) -> Releases:
    return Releases(ReleaseFolder(folder), Streams(1))


def _noted(folder: Path, plan: GradientPlan, *kinds: Kind) -> list[str]:
    releases = _releases(folder)
    Announcement(releases, plan, 3).answered([(silo, kind) for silo in range(2) for kind in kinds])
    return releases.unpaid()


def test_a_kind_that_says_nothing_of_itself_is_not_free(tmp_path: Path) -> None:
    for plan in (Unprotected(), _Protected()):
        assert _noted(tmp_path, plan, SECRET) == ["query.secret"]


def test_a_protection_of_training_pays_for_training_alone(tmp_path: Path) -> None:
    assert _noted(tmp_path / "a", _Protected(), TRAIN, GRADIENT) == []
    assert _noted(tmp_path / "b", _Protected(), TRAIN, LABEL, SPEECH, EVALUATE) == [
        "evaluate", "query.label", "query.speech",
    ]  # fmt: skip
    assert _noted(tmp_path / "c", Unprotected(), TRAIN) == ["train"]


def test_what_is_free_or_never_paid_for_is_said_by_each_of_the_own_kinds() -> None:
    free = {name for name, kind in OWN.items() if kind.is_free}
    assert free == {
        "train.teacher", "train.targets", "query.silo", "query.introduction", "query.agreement", "evaluate.own",
    }  # fmt: skip
    assert {name for name, kind in OWN.items() if kind.unpaid} == {"train.alone", "query.speech", "evaluate"}
    with pytest.raises(ValueError, match="both unpaid and free"):
        Kind("query.both", unpaid=True, is_free=True)


def test_a_release_pays_for_one_answer_of_each_silo(tmp_path: Path) -> None:
    releases = _releases(tmp_path)
    charge = Charge(SampledGaussian(1.0, 1.0, 1.0), 1)
    releases.promise(Promise("silo", "replace-one", 1e-5, ((charge.mechanism, 1),)))
    answered = Announcement(releases, Unprotected(), 3).answered

    def one(noise: Noise) -> dict[str, object]:
        answered([(0, LABEL), (1, LABEL), (0, TEACHER)])
        return {}

    def two(noise: Noise) -> dict[str, object]:
        answered([(0, LABEL), (1, LABEL)])
        answered([(1, LABEL)])
        return {}

    releases.make("a", lambda _: [charge], one)  # type: ignore[arg-type]
    assert releases.unpaid() == []
    with pytest.raises(RowError, match="silo 1 answered 2 times for one release"):
        releases.make("b", lambda _: [charge], two)  # type: ignore[arg-type]
    answered([(0, LABEL)])
    assert releases.unpaid() == ["query.label"], "nothing is made any more"


@pytest.mark.parametrize(
    ("strategy", "promises"), [("Asking", True), ("Freely", True), ("Beside", False), ("Twice", None)]
)
def test_a_row_promises_where_all_that_was_answered_is_paid_for(
    strategy: str, promises: bool | None, unequal_corpus: Path, tmp_path: Path
) -> None:
    row = {"name": "row", "strategy": f"support.asking:{strategy}"}
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row)
    if promises is None:
        assert "silo 0 answered 2 times for one release" in found["failure"]
        return
    assert found["status"] == "finished", found["failure"]
    assert (found["epsilon"] is not None) == promises
    if not promises:
        assert found["note"] == "promises nothing: train was answered, which no guarantee covers"
        assert json.loads((tmp_path / "run" / "row" / "privacy.json").read_text())["epsilon"] is None
