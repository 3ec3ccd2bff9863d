"""What stored targets belong to: a teacher, what it heard, and what its outputs mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from fedasr.common.errors import UserError

MOST_OUTPUTS = 65_535
_WORDS = {
    "teacher": "the teacher's weights",
    "features": "the features that the teacher heard",
    "inventory": "the inventory of outputs",
    "outputs": "the number of outputs",
    "frames_stacked": "the 10 ms frames in one target frame",
    "top_k": "the number of outputs kept of each frame",
}


@dataclass(frozen=True)
class TargetBinding:
    """What the targets of a shard belong to.

    Attributes
    ----------
    teacher : str
        SHA-256 of the teacher's weights.
    features : str
        Digest of the features that the teacher heard.
    inventory : str
        Digest of the outputs' names, in their order.
    outputs : int
        How many outputs there are, 1 to 65,535.
    frames_stacked : int
        Frames of 10 ms in one frame of the targets.
    top_k : int
        How many outputs of each frame are kept, at most; of fewer outputs all are.

    Raises
    ------
    UserError
        Where there are more outputs than 16 bits can number, or a number is not positive.
    """

    teacher: str
    features: str
    inventory: str
    outputs: int
    frames_stacked: int
    top_k: int

    def __post_init__(self) -> None:
        if self.outputs > MOST_OUTPUTS:
            raise UserError(f"an inventory of {self.outputs:,} outputs: stored targets number {MOST_OUTPUTS:,} at most")
        for name in ("outputs", "frames_stacked", "top_k"):
            if getattr(self, name) < 1:
                raise UserError(f"{_WORDS[name]} is {getattr(self, name)}: stored targets need 1 at least")

    @property
    def kept(self) -> int:
        """How many outputs of each frame are kept: `top_k`, or all of them where there are fewer."""
        return min(self.top_k, self.outputs)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` makes the same binding of."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object) -> TargetBinding:
        """Return a binding that `to_json` wrote down.

        Raises
        ------
        ValueError
            Where a field is missing, unknown or of another type.
        """
        kinds = {field.name: int if field.type == "int" else str for field in fields(cls)}
        if not isinstance(data, Mapping) or {name: type(value) for name, value in data.items()} != kinds:
            raise ValueError(f"not a binding of stored targets: {data}")
        return cls(**data)

    def difference(self, other: TargetBinding) -> str:
        """Return in words the first field in which two bindings differ, this one's value first; empty where none."""
        for name, words in _WORDS.items():
            own, others = getattr(self, name), getattr(other, name)
            if own != others:
                return f"{words}: {_short(own)} here, {_short(others)} there"
        return ""


def _short(value: str | int) -> str:
    return f"{value[:16]}…" if isinstance(value, str) and len(value) > 16 else f"{value}"
