"""A stretch of central training that is under way: what the rest of it needs to give the bits of an unbroken one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fedasr.protection.step import Dice, Place
from fedasr.training.descent import State
from fedasr.training.taken import Taken

UNDER_WAY = "under way/"
"""It stands in a trainer's state under names that begin so."""


@dataclass(frozen=True)
class UnderWay:
    """A stretch after some of its steps.

    Parameters
    ----------
    losses : sequence of float
        Of the steps so far.
    taken : Taken
        The gradients so far.
    place : Place
        The last batch that was taken.
    masks : tuple of ndarray of uint8
        The state of each source of dropout masks.
    """

    losses: Sequence[float]
    taken: Taken
    place: Place
    masks: tuple[NDArray[np.uint8], ...]

    @classmethod
    def after(cls, losses: Sequence[float], taken: Taken, place: Place, dice: Dice) -> UnderWay:
        """Return a stretch as it stands between two steps."""
        return cls(losses, taken, place, tuple(masks.get_state().numpy().copy() for masks in dice.masks))

    def onto(self, dice: Dice) -> Dice:
        """Return the dice of the stretch as they lay then."""
        for generator, state in zip(dice.masks, self.masks, strict=True):
            generator.set_state(torch.from_numpy(state.copy()))
        return replace(dice, place=self.place)

    def state(self) -> State:
        """Return what `restored` takes, as arrays by name."""
        about = np.frombuffer(json.dumps(asdict(self.place)).encode(), np.uint8)
        taken = np.array([self.taken.private, self.taken.public])
        masks = {f"masks {lane}": state for lane, state in enumerate(self.masks)}
        arrays = {"losses": np.array(self.losses, np.float64), "taken": taken, "place": about, **masks}
        return {UNDER_WAY + name: array for name, array in arrays.items()}

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> UnderWay | None:
        """Return the stretch of a trainer's state; None where none was under way."""
        found = {n.removeprefix(UNDER_WAY): np.asarray(a) for n, a in arrays.items() if n.startswith(UNDER_WAY)}
        if not found:
            return None
        place = Place(**json.loads(found["place"].tobytes()))
        masks = tuple(found[f"masks {lane}"] for lane in range(sum(name.startswith("masks") for name in found)))
        return cls(found["losses"].tolist(), Taken(*found["taken"].tolist()), place, masks)
