"""The state of an optimizer as arrays: saved without pickle, given back to the bit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]
Named = Mapping[str, torch.nn.Parameter]


def moments_of(optimizer: torch.optim.Optimizer, parameters: Named) -> dict[str, NDArray[np.generic]]:
    """Return each tensor of an optimizer's state (momentum, Adam's moments, step counts) as ``key/parameter``."""
    return {
        f"{key}/{name}": value.detach().cpu().numpy().copy()
        for name, parameter in parameters.items()
        for key, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, torch.Tensor)
    }


def restore_moments(optimizer: torch.optim.Optimizer, parameters: Named, arrays: Arrays) -> None:
    """Give an optimizer the state that `moments_of` returned; its learning rate stays as it is."""
    for name, parameter in parameters.items():
        keys = [key.partition("/")[0] for key in arrays if key.partition("/")[2] == name]
        if keys:
            optimizer.state[parameter] = {key: _moved(np.array(arrays[f"{key}/{name}"]), parameter) for key in keys}


def _moved(array: NDArray[np.generic], parameter: torch.Tensor) -> torch.Tensor:
    """Return optimizer state where its parameter is; the step count stays on the CPU."""
    state = torch.from_numpy(array)
    return state.to(parameter.device) if state.ndim else state
