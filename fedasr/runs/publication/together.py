"""What rows that are published together promise together, as it stands in ``summary.json``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Together:
    """The promises of all trainings that heard the same speakers, to one unit of one adjacency, composed.

    Whoever sees all their models sees all their releases, which the ε of one training does not cover. Trainings that
    promise to another unit or adjacency are not among them: unlike promises do not add up.

    Attributes
    ----------
    unit : str
        Whose change is hidden: ``"utterance"``, ``"speaker"`` or ``"silo"``. Over several draws it is one silo of each:
        whichever hold a speaker.
    adjacency : str
    rows : tuple of str
        Their names.
    trainings : int
        How many they are, over rows, seeds and draws.
    draws : tuple of int
        The draws of the speakers that they are of; empty where there are none.
    delta : float
        The largest of theirs.
    epsilon : float or None
        What is promised at that δ; None where nothing bounds it.
    bound : str or None
        Which proven bound that is.
    largest : float
        The largest ε of one of them.
    """

    unit: str
    adjacency: str
    rows: tuple[str, ...]
    trainings: int
    draws: tuple[int, ...]
    delta: float
    epsilon: float | None
    bound: str | None
    largest: float
