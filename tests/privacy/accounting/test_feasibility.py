"""A plan counts what would be released, and a study that is no study is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.calibration import Target
from fedasr.privacy.accounting.feasibility import Feasibility, Study, plan

STUDY = Study("utterance", silos=30, utterances=5, public_utterances=7, labels=3, epochs=4, batch=80)
TARGET = Target(8.0, 1e-5)


def _plans(study: Study) -> dict[tuple[str, str], Feasibility]:
    return {(made.mechanism, made.asks): made for made in plan(study, TARGET)}


def test_an_utterance_is_drawn_once_an_epoch_on_average() -> None:
    """150 utterances, 80 expected in a step: four epochs are 7.5 steps, and the last one is whole."""
    made = _plans(STUDY)["dp-sgd", "steps"]
    assert (made.releases, made.signal) == (8, 80)
    whole = _plans(replace(STUDY, batch=1000))["dp-sgd", "steps"]
    assert (whole.releases, whole.signal) == (4, 150), "no batch is larger than all there is"


def test_a_label_synchronous_vote_asks_once_more_for_the_end() -> None:
    made = _plans(STUDY)
    assert {key: each.releases for key, each in made.items() if key[0] == "gnmax"} == {
        ("gnmax", "label votes"): 7 * 4,
        ("gnmax", "utterance votes"): 7,
    }
    assert ("gnmax", "utterance votes") not in _plans(replace(STUDY, labels=0))


def test_a_cohort_is_a_share_of_the_silos() -> None:
    made = _plans(replace(STUDY, unit="silo", rounds=11, cohort_rate=0.2))["dp-fedavg", "rounds"]
    assert (made.releases, made.signal) == (11, pytest.approx(6))


@pytest.mark.parametrize("name", ["silos", "utterances", "public_utterances", "rounds", "epochs", "batch"])
def test_of_everything_there_is_at_least_one(name: str) -> None:
    with pytest.raises(UserError, match=name.replace("_", " ")):
        replace(STUDY, **{name: 0})
    assert plan(replace(STUDY, **{name: 1}), TARGET)


def test_labels_may_be_none_but_not_fewer() -> None:
    with pytest.raises(UserError, match="labels"):
        replace(STUDY, labels=-1)
