"""Which of a learner's speech is private, and which is public."""

from __future__ import annotations

from dataclasses import replace

from fedasr.common.errors import RowError
from fedasr.training.batches import Examples
from fedasr.training.holdings import NOTHING
from fedasr.training.learner import Learner


def private_alone(learner: Learner) -> Learner:
    """Return the learner of the private speech alone: what the plan counts, samples and protects."""
    return replace(learner, held=replace(learner.held, public=NOTHING, unlabelled=NOTHING, labelled=NOTHING))


def labelled_public(learner: Learner, least: int) -> Examples:
    """Return the public speech with transcripts: what the objective learns at the centre, or what every silo has.

    Raises
    ------
    RowError
        Where that is fewer utterances.
    """
    public = learner.learnt.public if len(learner.learnt.public) else learner.held.labelled
    if len(public) < least:
        raise RowError(f"'public_batch' is {least}, more than the {len(public)} labelled public utterances; lower it")
    return public
