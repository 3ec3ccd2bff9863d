"""The numbers of a row's group under names with units, for a program to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fedasr.comparison.intervals import Interval
from fedasr.report.words.groups import Group
from fedasr.report.words.promises import is_public, promise_of
from fedasr.report.words.whose import is_withheld
from fedasr.runs.data import DECODED, NOISY, OWN_SPEAKERS, RowData
from fedasr.runs.row_summary import VOID

Number = Callable[[Group, bool], float | str | None]


def _mean(value: Callable[[RowData], float | None]) -> Number:
    return lambda group, release: group.mean(value)


def _rate(found: Callable[[Group, bool], Interval | None], name: str) -> dict[str, Number]:
    """Return a rate and the ends of its 95% interval, as fractions."""

    def end(which: str) -> Number:
        return lambda group, release: None if (rate := found(group, release)) is None else getattr(rate, which)

    return {name: end("value"), f"{name}_low": end("low"), f"{name}_high": end("high")}


def _own(group: Group, release: bool) -> Interval | None:
    return None if release and is_withheld(group) else group.rate(OWN_SPEAKERS)


def _epsilon(group: Group, release: bool) -> float | None:
    """An ε that holds; 0 where no private speech had a part; None where nothing is promised."""
    found = promise_of(group)
    if found is None:
        return 0.0 if is_public(group) else None
    return found.epsilon if found.holds else None


def _kind(group: Group, release: bool) -> str | None:
    found = promise_of(group)
    return None if found is None else found.kind if found.holds or found.kind == VOID else "none promised"


def _said(value: Callable[[Group], str | None]) -> Number:
    return lambda group, release: value(group)


def _of_promise(name: str) -> Number:
    return lambda group, release: getattr(promise_of(group), name, None)


NUMBERS: Mapping[str, Number] = MappingProxyType({
    "row": _said(lambda group: group.name),
    "strategy": _said(lambda group: group.strategy),
    "trainings": lambda group, release: len(group.finished),
    "failed": lambda group, release: len(group.failures),
    **_rate(lambda group, release: group.wer(), "wer"),
    **_rate(lambda group, release: group.rate(decoding=DECODED), "decoded_wer"),
    **_rate(lambda group, release: group.rate(NOISY), "noisy_wer"),
    **_rate(_own, "own_speakers_wer"),
    "cer": _mean(lambda row: row.cer),
    "epsilon": _epsilon,
    "epsilon_kind": _kind,
    "delta": _of_promise("delta"),
    "privacy_unit": _of_promise("unit"),
    "adjacency": _of_promise("adjacency"),
    "uplink_bytes": _mean(lambda row: row.uplink_bytes),
    "downlink_bytes": _mean(lambda row: row.downlink_bytes),
    "rounds": _mean(lambda row: row.rounds),
    "silos": _mean(lambda row: row.silos),
    "wall_seconds": _mean(lambda row: row.wall_seconds),
    "simulated_seconds": _mean(lambda row: row.simulated_seconds),
    "peak_memory_bytes": _mean(lambda row: row.peak_memory_bytes),
})  # fmt: skip
"""By column: rates are fractions, means are over the trainings of a row, of ε it is the largest."""
