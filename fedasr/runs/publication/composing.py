"""From the rows of a run to what they promise together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fedasr.privacy.accounting.promise import Planned, Promise, promise_from, together
from fedasr.runs import file_names
from fedasr.runs.json_files import known_json
from fedasr.runs.publication.circles import Cast, cast_of, circles, crossed
from fedasr.runs.publication.together import Together
from fedasr.runs.reading import read_partition
from fedasr.runs.row_summary import RowSummary


@dataclass(frozen=True)
class Promising:
    """A training whose ε holds, and what it may release at most: None where its folder does not say."""

    row: RowSummary
    promise: Promise | None


@dataclass(frozen=True)
class Publication:
    """What all rows of a run are together.

    Attributes
    ----------
    together : tuple of Together
        A line for each unit, adjacency and circle of draws that heard the same speakers.
    crossed : int
        How many speakers are private in one draw and public, or scored on, in another: all draws published as one
        promise them nothing.
    """

    together: tuple[Together, ...] = ()
    crossed: int = 0

    def amended(self, row: RowSummary) -> RowSummary:
        """Return a row with the ε of all that is published with it."""
        lines = (line for line in self.together if row.promises and _is_of(line, row))
        return replace(row, epsilon_together=next((line.epsilon for line in lines), None))


def publication_of(run: Path, rows: Sequence[RowSummary]) -> Publication:
    """Return what the rows of a run folder are together; draws that share no speaker are taken each by itself."""
    casts = {row.draw: _cast(run, row) for row in rows if row.draw is not None}
    promising = [Promising(row, _promise(run / row.folder)) for row in rows if row.promises]
    by_speakers: list[tuple[int | None, ...]] = [*circles(casts)] or [(None,)]
    found = (composed([one for one in promising if one.row.draw in draws]) for draws in by_speakers)
    return Publication(tuple(line for lines in found for line in lines), crossed(casts.values()))


def composed(promising: Sequence[Promising]) -> list[Together]:
    """Return what trainings that heard the same speakers promise together, for each unit and adjacency.

    Guarantee: all that they release, in whatever order and however it depends on what was released before, is
    (`Together.epsilon`, `Together.delta`)-differentially private for the unit: each keeps within what it planned, and
    what all planned is composed as one plan (`fedasr.privacy.accounting.promise`). Teachers that several rows share are
    voted on anew by each, and count in each.

    =====================================  =======================================================
    one training                           its own ε
    a row that begins from another         what that one promised is not counted again
    a training of which no plan is known   no ε together
    unlike units or adjacencies            a line each; nothing is added across them
    =====================================  =======================================================
    """
    kinds = dict.fromkeys((one.row.privacy_unit, one.row.adjacency) for one in promising)
    return [_line([one for one in promising if (one.row.privacy_unit, one.row.adjacency) == kind]) for kind in kinds]


def _line(alike: Sequence[Promising]) -> Together:
    rows = [one.row for one in alike]
    delta = max(row.delta or 0.0 for row in rows)
    epsilon, bound = _bounded(alike, delta)
    return Together(
        rows[0].privacy_unit or "", rows[0].adjacency or "", tuple(dict.fromkeys(row.name for row in rows)), len(rows),
        tuple(sorted({row.draw for row in rows if row.draw is not None})), delta, epsilon, bound,
        max(row.epsilon or 0.0 for row in rows),
    )  # fmt: skip


def _bounded(alike: Sequence[Promising], delta: float) -> tuple[float | None, str | None]:
    if len(alike) == 1:
        return alike[0].row.epsilon, alike[0].row.epsilon_bound
    own = [_own(one, alike) for one in alike]
    known = [promise for promise in own if promise is not None]
    if len(known) < len(own):
        return None, None
    whole = together(known, delta)
    return (whole.epsilon, whole.bound) if math.isfinite(whole.epsilon) else (None, None)


def _own(one: Promising, others: Iterable[Promising]) -> Promise | None:
    """Return what a training promises beside what the nearest row that it begins from does, if that is there."""
    place = (one.row.draw, one.row.seed)
    there = {other.row.name: other.promise for other in others if (other.row.draw, other.row.seed) == place}
    behind = next((there[name] for name in reversed(one.row.lineage) if name in there), None)
    if one.promise is None or behind is None:
        return one.promise
    return replace(one.promise, planned=_without(one.promise.planned, behind.planned))


def _without(planned: Planned, behind: Planned) -> Planned:
    """Return a plan less a part of it; the whole where that is none: what cannot be told apart is counted again."""
    left = Counter(dict(planned))
    left.subtract(dict(behind))
    return planned if min(left.values(), default=0) < 0 else tuple((one, count) for one, count in left.items() if count)


def _is_of(line: Together, row: RowSummary) -> bool:
    alike = (line.unit, line.adjacency) == (row.privacy_unit or "", row.adjacency or "")
    return alike and (row.draw is None or row.draw in line.draws)


def _promise(folder: Path) -> Promise | None:
    """Return what a row planned; None of one that an earlier version wrote."""
    record = known_json(folder / file_names.PRIVACY, "remove the row's folder to run the row again")
    fields = record.get("promise") if isinstance(record, dict) else None
    return promise_from(fields) if fields else None


def _cast(run: Path, row: RowSummary) -> Cast | None:
    """Return who had which part in a row's draw; None where its folder does not say, as with nodes of their own."""
    partition = read_partition(run / file_names.draw(row.draw or 0), [])
    known = partition is not None and any(silo.speakers for silo in partition.silos)
    return cast_of(partition, row.population) if partition is not None and known else None
