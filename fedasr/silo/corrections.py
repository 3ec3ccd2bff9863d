"""What several algorithms add to each local gradient."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.recogniser import Recogniser
from fedasr.silo.train import Correction

Arrays = Mapping[str, NDArray[np.floating]]


def pulled(recogniser: Recogniser, towards: Arrays, strength: float) -> Correction:
    """Return a correction by the gradient of ``strength / 2 ‖w - towards‖²``, w the weights at each step."""
    now, fixed = dict(recogniser.named_parameters()), tensors(towards, recogniser)

    def correct(gradient: Mapping[str, Tensor]) -> None:
        for name, part in gradient.items():
            part.add_(now[name].detach() - fixed[name], alpha=strength)

    return correct


def shifted(recogniser: Recogniser, by: Arrays) -> Correction:
    """Return a correction by the same arrays at every step."""
    fixed = tensors(by, recogniser)

    def correct(gradient: Mapping[str, Tensor]) -> None:
        for name, part in gradient.items():
            part.add_(fixed[name])

    return correct


def tensors(arrays: Arrays, recogniser: Recogniser) -> dict[str, Tensor]:
    """Return copies of arrays where a recogniser is, of its parameters' type."""
    like = dict(recogniser.named_parameters())
    return {name: torch.from_numpy(np.array(array)).to(like[name]) for name, array in arrays.items()}
