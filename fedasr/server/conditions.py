"""What a row is given, for its strategy to say before anything is trained what it lacks.

A strategy that can do with anything need say nothing. Any other has a method ``lacking(conditions)`` that yields what
it lacks and the mend, a line each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from flwr.serverapp.strategy import Strategy

from fedasr.asr.heads.head import HEADS, Head
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import Tokens
from fedasr.common.errors import UserError
from fedasr.experiment.training import TrainingSpec
from fedasr.training.parameters import chosen_names


@dataclass(frozen=True)
class Conditions:
    """What a row is given.

    Parameters
    ----------
    training : TrainingSpec
        How its silos train.
    recogniser : RecogniserSpec
        What it trains.
    tokens : Tokens
    unlabelled_speakers : int
        Public speakers whose transcripts nobody may read.
    """

    training: TrainingSpec
    recogniser: RecogniserSpec
    tokens: Tokens
    unlabelled_speakers: int = 0

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the model's parameters."""
        with torch.device("meta"):  # which gives them no values, and so draws none
            return tuple(name for name, _ in Recogniser(self.recogniser, self.tokens).named_parameters())

    @property
    def scores_frames(self) -> bool:
        """Whether the model's head scores single frames."""
        return HEADS.find(self.recogniser.head).frame_scores is not Head.frame_scores

    def gradients(self) -> Iterator[str]:
        """Yield why gradients cannot be exchanged: a local step must be the gradient times the rate."""
        if self.training.optimizer != "sgd" or self.training.weight_decay:
            yield "gradients are exchanged for SGD without weight decay; set training.optimizer = 'sgd'"

    def layers(self, patterns: Sequence[str], key: str = "layers") -> Iterator[str]:
        """Yield which of some patterns of parameters fit none."""
        for pattern in patterns:
            try:
                chosen_names(self.parameters, [pattern])
            except UserError as error:
                yield str(error).replace("'layers'", f"'{key}'")


def lacking(strategy: Strategy, conditions: Conditions) -> Iterable[str]:
    """Return what a strategy says that it lacks, a line each."""
    found: Iterable[str] = getattr(strategy, "lacking", lambda _: ())(conditions)
    return found
