"""Training in silos is charged before it is asked for, as many steps as are behind the messages."""

from pathlib import Path

import pytest

from fedasr.common.errors import RowError
from fedasr.common.randomness import Streams
from fedasr.messages.kinds import ALONE, GRADIENT, TEACHER, TRAIN, Kind, kind_of
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.protection.announcement import Announcement
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.none import Unprotected
from fedasr.protection.releases import Releases
from fedasr.runs.release_folder import ReleaseFolder

STEP = SampledGaussian(1.0, 1.0, 0.5)


class _Steps(Unprotected):
    """Promises a step."""

    guarantee = Guarantee("utterance", "add-remove", 1e-5, ("poisson", "poisson"), STEP, 9)


@pytest.mark.parametrize(
    ("asked", "paid"),
    [
        ([(0, TRAIN), (1, TRAIN)], 3),
        ([(0, GRADIENT), (1, GRADIENT)], 1),
        ([(0, GRADIENT), (1, TRAIN)], 3),
        ([(0, GRADIENT), (0, TRAIN), (1, TRAIN)], 4),
        ([(0, Kind("train.other", "row"))], 3),
    ],
)
def test_a_protection_charges_the_steps_of_the_silo_that_takes_most(
    asked: list[tuple[int, Kind]], paid: int, tmp_path: Path
) -> None:
    releases = Releases(ReleaseFolder(tmp_path), Streams(1))
    Announcement(releases, _Steps(), 3)(1, asked)
    assert [release.count for release in releases.ledger.releases] == [paid]


@pytest.mark.parametrize("kind", [ALONE, TEACHER, kind_of("query.anything")])
def test_a_protection_refuses_what_does_not_say_its_steps(kind: Kind, tmp_path: Path) -> None:
    releases = Releases(ReleaseFolder(tmp_path), Streams(1))
    with pytest.raises(RowError, match=kind.name):
        Announcement(releases, _Steps(), 3)(1, [(0, TRAIN), (1, kind)])
    assert not releases.ledger.releases


def test_what_promises_nothing_never_reaches_the_ledger(tmp_path: Path) -> None:
    releases = Releases(ReleaseFolder(tmp_path), Streams(1))
    Announcement(releases, Unprotected(), 3)(1, [(0, TRAIN), (1, ALONE)])
    assert releases.promised is None
    assert not releases.ledger.releases
    assert not (tmp_path / "releases").exists()


def test_a_row_promises_one_unit(tmp_path: Path) -> None:
    releases = Releases(ReleaseFolder(tmp_path), Streams(1))
    releases.promise(Promise("silo", "add-remove", 1e-5, ((STEP, 3),)))
    with pytest.raises(RowError, match="privacy to a silo already"):
        Announcement(releases, _Steps(), 3)(1, [(0, TRAIN)])
