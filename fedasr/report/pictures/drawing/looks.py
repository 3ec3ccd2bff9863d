"""How each row looks, in every figure alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.colors import to_hex, to_rgb

from fedasr.report.words.findings import is_reference
from fedasr.report.words.groups import Group

# Okabe and Ito's colours, told apart in every common kind of colour blindness; references are neutral.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7B5EA7", "#8C6D1F")
_NEUTRALS = ("#1f2933", "#66727f", "#95897a")
_DASHES = ((5, 2), (1.5, 1.5), (6, 2, 1.5, 2))
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")


@dataclass(frozen=True)
class Look:
    """How a row is drawn."""

    colour: str
    marker: str
    dashes: tuple[float, ...]

    @property
    def ink(self) -> str:
        """The colour for words, darkened until it reads well on white (a contrast of 4.5 to 1)."""
        red, green, blue = to_rgb(self.colour)
        while 1.05 / (_luminance(red, green, blue) + 0.05) < 4.5:
            red, green, blue = 0.96 * red, 0.96 * green, 0.96 * blue
        return to_hex((red, green, blue))


def _luminance(red: float, green: float, blue: float) -> float:
    """The relative luminance that web contrast is defined by."""
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue))
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def looks(everyone: Sequence[Group]) -> dict[str, Look]:
    """Return the look of each row; it depends on the order of the rows alone."""
    found: dict[str, Look] = {}
    neutral = colour = 0
    for group in everyone:
        if is_reference(group):
            found[group.name] = Look(
                _NEUTRALS[neutral % len(_NEUTRALS)],
                _MARKERS[neutral // len(_NEUTRALS) % len(_MARKERS)],
                _DASHES[neutral % len(_DASHES)],
            )
            neutral += 1
        else:
            turn = colour // len(_COLOURS)
            found[group.name] = Look(_COLOURS[colour % len(_COLOURS)], _MARKERS[turn % len(_MARKERS)], (1.5, 1.5))
            colour += 1
    return found
