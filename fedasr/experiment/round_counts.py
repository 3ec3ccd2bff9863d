"""How many rounds the rows of an experiment train for, apart from all else that it says."""

from __future__ import annotations

from dataclasses import replace

from fedasr.experiment.experiment import Experiment
from fedasr.experiment.training import TrainingSpec


def stated(experiment: Experiment) -> Experiment:
    """Return the experiment with the rounds of each row in the row's own table alone."""
    rounds = _rounds(experiment)
    rows = tuple(
        replace(row, training={**row.training, "rounds": count})
        for row, count in zip(experiment.compare, rounds, strict=True)
    )
    return experiment.only(training=replace(experiment.training, rounds=TrainingSpec().rounds), compare=rows)


def have_more(there: Experiment, here: Experiment) -> bool:
    """Return whether two experiments differ in nothing but that rows here train for more rounds than there.

    Where the work says how many rounds a row has (``[work]``), it is known from the silos alone, and nothing is more.
    """
    if here.work.utterances or _apart(there) != _apart(here):
        return False
    counts = list(zip(_rounds(there), _rounds(here), strict=True))
    return all(old <= new for old, new in counts) and any(old < new for old, new in counts)


def _rounds(experiment: Experiment) -> list[int]:
    return [experiment.training_of(row).rounds for row in experiment.compare]


def _apart(experiment: Experiment) -> Experiment:
    """Return the experiment as if every row trained for one round."""
    known = stated(experiment)
    return known.only(compare=tuple(replace(row, training={**row.training, "rounds": 1}) for row in known.compare))
