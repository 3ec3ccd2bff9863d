"""The order of the pictures on the page: fedasr's own as here, then those of other packages by name."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fedasr.common.errors import UserError
from fedasr.report.pictures.picture import PICTURES, Picture
from fedasr.runs.data import RunData

log = logging.getLogger("fedasr")
ORDER = (
    "wer", "privacy", "clipping", "rounds", "trade", "trade-time", "learning", "bytes", "time", "traffic", "codec",
    "speedup", "silos", "speakers", "partition",
)  # fmt: skip

Lost = Callable[[str, BaseException], None]
"""Told of a picture that could not be drawn, and why."""


def warn(name: str, error: BaseException) -> None:
    """Say in the log that a picture could not be drawn."""
    log.warning("the picture '%s' could not be drawn: %s", name, reason(error))


def reason(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def pictures(data: RunData, release: bool = False, lost: Lost = warn) -> list[Picture]:
    """Return the pictures of a run, those left out for which nothing was measured.

    Parameters
    ----------
    data : RunData
    release : bool
        Leave out what only a simulation can see.
    lost : callable
        Told of each picture that could not be drawn: whatever is wrong with one, the others are shown.
    """
    drawn: dict[str, Picture] = {}
    for name in _names(lost):
        try:
            found = {picture.key: picture for picture in PICTURES.find(name)(data) if not (release and picture.inside)}
            if taken := found.keys() & drawn.keys():
                raise ValueError(f"another picture has the key '{min(taken)}'")
        except (Exception, SystemExit) as error:
            lost(name, error)
        else:
            drawn |= found
    return list(drawn.values())


def _names(lost: Lost) -> list[str]:
    try:
        return [*ORDER, *(name for name in PICTURES.known() if name not in ORDER)]
    except UserError as error:  # two packages, one name
        lost("pictures", error)
        return []
