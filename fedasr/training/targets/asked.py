"""What an objective asks a teacher for."""

from __future__ import annotations

from dataclasses import dataclass

TEACHER_ROLE = "teacher"
"""The role whose start is the teacher."""
NO_TEXT, GREEDY_TEXT, DECODED_TEXT = "none", "greedy", "decoded"


@dataclass(frozen=True)
class AskedOfTeacher:
    """What a teacher is to say of each utterance.

    Parameters
    ----------
    top_k : int
        How many of its outputs are kept of each frame; 0 keeps none.
    text : str
        What it hears: ``"none"``, ``"greedy"``, or ``"decoded"`` by the experiment's ``[decoding]``.
    """

    top_k: int = 0
    text: str = NO_TEXT
