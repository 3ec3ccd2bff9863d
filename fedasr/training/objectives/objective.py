"""What an objective is, and which there are: the entry-point group ``fedasr.objectives``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.batch import Batch
from fedasr.asr.features import FRAMES_STACKED
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.tokens import Tokens
from fedasr.common.errors import UserError
from fedasr.common.registry import Registry
from fedasr.common.settings import Settings, from_table
from fedasr.training.batches import Examples, training_batch
from fedasr.training.holdings import Holdings
from fedasr.training.passes import Batches, shuffled_batches, steps_of_a_pass
from fedasr.training.targets.asked import AskedOfTeacher


class Objective(Settings, ABC):
    """What a recogniser is trained for, in a silo and at the centre alike; a frozen dataclass of its settings.

    It says which examples are learnt from, in which batches, what a batch holds, and what its loss is. All but the
    loss has a default: transcribed speech, each utterance once a pass. Under a protection that draws its own batches
    `batches` is not asked.

    Attributes
    ----------
    learns_private : bool
        Whether it learns from the speech that a guarantee is for.
    orders_batches : bool
        Whether what a batch holds follows from its place in a pass, so that lots drawn otherwise would undo it.
    hears_public : bool
        Whether a teacher hears the public unlabelled speech, once, at the centre, and not the private examples.
    """

    learns_private: ClassVar[bool] = True
    orders_batches: ClassVar[bool] = False
    hears_public: ClassVar[bool] = False

    @property
    def least_rounds(self) -> int:
        """The fewest rounds in which silos can take it as it is stated."""
        return 1

    @property
    def asked_of_teacher(self) -> AskedOfTeacher | None:
        """What a teacher is to say before anything is trained, of the private examples; None where there is none."""
        return None

    def at(self, begun: float, ended: float) -> Objective:
        """Return the objective of a stretch between two shares of the training: by default the same all along.

        It learns from the same examples, in as many batches a pass.
        """
        return self

    def rate(self, learnt: Holdings, indices: Sequence[int]) -> float:
        """Return the factor of the learning rate for a batch of `batches`."""
        return 1.0

    def examples(self, held: Holdings) -> Holdings:
        """Return the private and the public examples that are learnt from."""
        return Holdings(held.private, held.public)

    def steps(self, learnt: Holdings, batch_size: int, batch_seconds: float = 0.0) -> int:
        """Return how many batches a pass has: of so many utterances, or of so many seconds where these are above 0."""
        return steps_of_a_pass(learnt.examples, batch_size, batch_seconds)

    def batches(
        self, learnt: Holdings, batch_size: int, generator: np.random.Generator, batch_seconds: float = 0.0
    ) -> Batches:
        """Divide one pass over ``learnt.examples`` into batches of places, as many as `steps` says."""
        return shuffled_batches(learnt.examples, batch_size, generator, batch_seconds)

    def batch(
        self, examples: Examples, indices: Sequence[int], tokens: Tokens, augment: AugmentSpec,
        generator: np.random.Generator, stacked: int = FRAMES_STACKED,
    ) -> Batch:  # fmt: skip
        """Return the batch of some examples; one example's part of it depends on no other example.

        Parameters
        ----------
        examples : Examples
        indices : sequence of int
        tokens : Tokens
        augment : AugmentSpec
        generator : numpy.random.Generator
            The source of augmentation.
        stacked : int
            Frames of 10 ms to a stack, as the recogniser asks for them.
        """
        return training_batch(examples, indices, tokens, augment, generator, stacked)

    @abstractmethod
    def losses(self, recogniser: Recogniser, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Return one loss an utterance, shape (batch,); smaller is better.

        Parameters
        ----------
        recogniser : Recogniser
        batch : Batch
        generator : torch.Generator or None
            The source of dropout masks; None for none.
        """


OBJECTIVES: Registry[type[Objective]] = Registry("objective", "fedasr.objectives")


def build_objective(name: str, options: Mapping[str, Any]) -> Objective:
    """Return the objective of a name with the options of an experiment file.

    Parameters
    ----------
    name : str
        A registered name, or ``module:Class``.
    options : mapping
        The row's ``objective_options``.

    Raises
    ------
    UserError
        Where the name, an option or its value is unknown or out of range.
    """
    found = OBJECTIVES.find(name)
    if not (isinstance(found, type) and issubclass(found, Objective)):
        raise UserError(f"'{name}' is no objective (a subclass of {Objective.__module__}.Objective)")
    return from_table(found, options, "", "objective_options.")
