"""Speed-ups of a run's rows, replayed on another network, as the report draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from fedasr.common.errors import UserError
from fedasr.runs.data import RunData, SpeedupCurve, SpeedupData
from fedasr.runs.file_names import COMPUTE
from fedasr.runs.reading import read_run

if TYPE_CHECKING:
    from fedasr.runs.replayed.retiming import SpeedupCurves

NETWORK = "cloud-2015"
"""The one the published speed-ups were measured on a network like."""
WORKERS = tuple(2**power for power in range(13))


def read_with_speedups(folder: Path) -> RunData:
    """Return all that a run folder tells."""
    return with_speedups(read_run(folder), folder)


def with_speedups(data: RunData, folder: Path) -> RunData:
    """Return the run with its speed-ups, where it recorded what training costs; a remark where that is unreadable."""
    if not (folder / COMPUTE).is_file():
        return data
    from fedasr.network.presets import build_network
    from fedasr.runs.replayed.retiming import speedup_curves

    network = build_network(NETWORK)
    try:
        found = speedup_curves(folder, network, WORKERS)
    except UserError as error:
        reason = str(error).replace(f"{folder}/", "")
        return replace(data, remarks=(*data.remarks, f"No speed-up against workers: {reason}."))
    return replace(data, speedups=_adapted(data, network.name, network.note, found))


def _adapted(data: RunData, network: str, note: str, found: SpeedupCurves) -> SpeedupData | None:
    names = {row.folder: row.name for row in data.rows}
    by_name: dict[str, list[Sequence[float]]] = {}
    for curve in found.curves:
        if name := names.get(curve.workload.name):
            by_name.setdefault(name, []).append([point.speedup for point in curve.points])
    curves = tuple(SpeedupCurve(name, WORKERS, _means(seeds)) for name, seeds in by_name.items())
    return SpeedupData(network, note, curves, published_curves(found.published), found.source) if curves else None


def published_curves(published: Mapping[str, Mapping[int, float]]) -> tuple[SpeedupCurve, ...]:
    """Return published points as curves, in the order of their workers."""
    return tuple(
        SpeedupCurve(name, tuple(sorted(points)), tuple(points[number] for number in sorted(points)))
        for name, points in published.items()
    )


def _means(seeds: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(fmean(values) for values in zip(*seeds, strict=True))
