"""How much every row may take of the silos' speech."""

from __future__ import annotations

from dataclasses import dataclass

from fedasr.common.settings import Settings, least


@dataclass(frozen=True)
class WorkSpec(Settings):
    """How much every row takes of the silos' speech.

    Parameters
    ----------
    utterances : int
        Gradients of one utterance that a row takes on the silos' speech, wherever they are taken: local steps × batch
        × silos, both models of ``ditto``, the teachers of ``pate``, the expected lots of ``dp-sgd``, the epochs of
        ``centralised``; under a drawn cohort the expected number. A row that does not state its rounds (``local-only``
        its ``options.steps``, ``centralised`` its ``options.epochs``) is given as many as come nearest. One without an
        ε that does not take it to within a round is refused; one with an ε may take less. 0 leaves each row its own.
    """

    utterances: int = least(0, 0)
