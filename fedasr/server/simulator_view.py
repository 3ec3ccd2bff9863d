"""What the simulator knows and no real server does: only for what is written down about a run."""

from __future__ import annotations

from collections.abc import Mapping

from fedasr.asr.word_errors import ErrorCounts, count_errors, total
from fedasr.corpora.speech import Speech


class SimulatorView:
    """Scores against the truth about public unlabelled speech, and gives none of it away.

    Parameters
    ----------
    truth : Speech
        That speech with its transcripts.
    """

    def __init__(self, truth: Speech) -> None:
        self._truth = truth

    def errors(self, transcripts: Mapping[int, str]) -> ErrorCounts:
        """Return the errors of transcripts by the place of their utterance."""
        return total([count_errors(self._truth.text(place), text) for place, text in transcripts.items()])
