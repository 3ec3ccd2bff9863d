"""What a head is, and which there are: the entry-point group ``fedasr.heads``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from fedasr.asr.component import Component
from fedasr.asr.heads.beam import Beam
from fedasr.common.registry import Registry


class Forward(Protocol):
    """The forward variables of a prefix, what has been said so far; immutable."""

    @property
    def lengths_B(self) -> Tensor:  # noqa: N802
        """Return the frames of each utterance."""

    def extensions(self) -> Tensor:
        """Return ``log P(prefix and then label …)``, shape (batch, tokens), the blank impossible."""

    def ends(self) -> Tensor:
        """Return ``log P(prefix and no more)``, shape (batch,)."""

    def append(self, labels_B: Tensor) -> Forward:
        """Return the forward variables of the prefix and one more label."""

    def select(self, rows_R: Tensor) -> Forward:
        """Return the variables of some rows, in the order asked for; a row may come twice."""


@dataclass(frozen=True)
class ForwardBeam:
    """Prefixes of one utterance, of any head: a row of its forward variables each."""

    forward: Forward

    def extensions(self) -> Tensor:
        return self.forward.extensions().double().cpu()

    def ends(self) -> Tensor:
        return self.forward.ends().double().cpu()

    def grown(self, parents_R: Tensor, labels_R: Tensor) -> ForwardBeam:
        device = self.forward.lengths_B.device
        return ForwardBeam(self.forward.select(parents_R.to(device)).append(labels_R.to(device)))


class Head(Component, ABC):
    """Maps encodings to what is said: ``Head(inputs, tokens, settings)``.

    What a head cannot tell it returns None for; who needs it refuses such a head in a line.
    """

    role: ClassVar[str] = "head"
    is_aligned: ClassVar[bool] = False
    """Whether its targets are a label a frame, of an alignment, and not the tokens of a transcript."""

    @classmethod
    def untrainable(cls) -> str | None:
        """Return why it cannot be trained here, in a line, such as a package that its loss needs; None where it can."""
        return None

    def parts(self) -> Mapping[str, nn.Module]:
        """Return what it is made of, by the names that the parameters carry in a recogniser."""
        return {"head": self}

    @abstractmethod
    def losses(
        self, encodings_BTF: Tensor, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the negative log-likelihood of each utterance, in nats, shape (batch,).

        Parameters
        ----------
        encodings_BTF : Tensor
            Padded at the end.
        lengths_B : Tensor of int64
            Frames of each utterance.
        targets_BU : Tensor of int64
            Token numbers, padded with zeros.
        target_lengths_B : Tensor of int64
            Tokens of each utterance.
        generator : torch.Generator or None
            The source of dropout masks; None for none.
        """

    def fits(self, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor) -> Tensor:
        """Say which targets can be said in their frames, shape (batch,); all of them, unless a head knows better.

        The loss of one that cannot counts zero and teaches nothing.
        """
        return torch.ones_like(lengths_B, dtype=torch.bool)

    @abstractmethod
    def greedy(self, encodings_BTF: Tensor, lengths_B: Tensor) -> list[list[int]]:
        """Return the token numbers that are heard in each utterance, the most probable one at a time."""

    def frame_scores(self, encodings_BTF: Tensor) -> Tensor | None:
        """Return the log-probabilities of each frame, shape (batch, frames, tokens); None where it has none."""
        return None

    def prefix(self, encodings_BTF: Tensor, lengths_B: Tensor) -> Forward | None:
        """Return the forward variables of the empty prefix, by default of `frame_scores`; None where it has none."""
        scores_BTV = self.frame_scores(encodings_BTF)
        return None if scores_BTV is None else self.prefix_of_scores(scores_BTV, lengths_B)

    def prefix_of_scores(self, scores_BTV: Tensor, lengths_B: Tensor) -> Forward | None:
        """Return the forward variables of the empty prefix, where they rest on `frame_scores` alone; else None."""
        return None

    def beam(self, encodings_TF: Tensor) -> Beam | None:
        """Return what a search needs of one utterance, the empty prefix alone; None where there is none.

        A head that has `prefix` needs no more; one of its own is faster.
        """
        lengths_B = torch.tensor([len(encodings_TF)], device=encodings_TF.device)
        forward = self.prefix(encodings_TF[None], lengths_B)
        return None if forward is None else ForwardBeam(forward)


HEADS: Registry[type[Head]] = Registry("head", "fedasr.heads")
