"""The state of an optimizer as arrays: saved without pickle, given back to the bit."""

from __future__ import annotations

import numpy as np
import torch
from flwr.app import ArrayRecord, RecordDict

from fedasr.messages.records import array_record, arrays_of

MOMENTS = "optimizer"
"""The record of a silo's state that holds its optimizer's moments."""


def save_moments(optimizer: torch.optim.Optimizer, state: RecordDict) -> None:
    """Keep every tensor of an optimizer's state (momentum buffers, Adam's moments and step counts)."""
    kept = {
        f"{number}/{name}": value.detach().cpu().numpy().copy()
        for number, moments in optimizer.state_dict()["state"].items()
        for name, value in moments.items()
        if isinstance(value, torch.Tensor)
    }
    if kept:
        state[MOMENTS] = array_record(kept)


def load_moments(optimizer: torch.optim.Optimizer, state: RecordDict) -> None:
    """Give an optimizer the state that `save_moments` kept; its learning rate stays as it is."""
    record = state.get(MOMENTS)
    if not isinstance(record, ArrayRecord):
        return
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, array in arrays_of(record).items():
        number, name = key.split("/", 1)
        moments.setdefault(int(number), {})[name] = torch.from_numpy(np.array(array))
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
