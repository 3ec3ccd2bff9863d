"""The ledger as part of a checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.ledger import Ledger, Release
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax

RELEASE = Release(GNMax(40.0), "silo", "replace-one", "secure", "all", "all", 10, "votes/0", "a1")
OTHERS = (replace(RELEASE, key="votes/1"), replace(RELEASE, mechanism=LNMax(30.0), key="votes/2", count=3))


def _holding(*releases: Release) -> Ledger:
    ledger = Ledger()
    for release in releases:
        ledger.add(release)
    return ledger


@pytest.mark.parametrize("already", [(), (RELEASE,), OTHERS, (RELEASE, *OTHERS)])
def test_a_checkpoint_takes_the_place_of_what_a_ledger_held(already: tuple[Release, ...]) -> None:
    ledger, saved = _holding(*already), _holding(RELEASE, OTHERS[0])
    ledger.restore(saved.state())
    assert ledger.releases == saved.releases
    assert ledger.summary(1e-5) == saved.summary(1e-5)


def test_the_checkpoint_may_be_of_another_unit() -> None:
    ledger = _holding(RELEASE)
    ledger.restore(_holding(replace(RELEASE, unit="utterance")).state())
    assert [release.unit for release in ledger.releases] == ["utterance"]


def test_a_count_below_zero_is_refused_and_nothing_is_charged() -> None:
    ledger = _holding(RELEASE)
    with pytest.raises(UserError, match="at least 0"):
        ledger.add(replace(RELEASE, key="other", count=-1))
    assert ledger.releases == (RELEASE,)
