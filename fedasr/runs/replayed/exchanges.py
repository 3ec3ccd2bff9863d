"""The exchanges of a run's rows, put together again from the messages that were recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError, nearest
from fedasr.messages.kinds import kind_of
from fedasr.network.recorded import Part, RecordedRow
from fedasr.runs import file_names
from fedasr.runs.filling import Record
from fedasr.runs.json_files import whole_json, whole_lines
from fedasr.runs.row_end import RowEnd
from fedasr.runs.row_summary import FINISHED

MOST_SILOS = 1_000_000
"""Devices are drawn for all silos up to the highest number."""


def read_rows(folder: Path, names: Sequence[str] = ()) -> tuple[int, list[RecordedRow]]:
    """Return a run's seed and its finished rows, or those of the names given."""
    path = folder / file_names.SUMMARY
    summary = whole_json(path, "name a run folder whose run has ended")
    try:
        records = {str(row.get("folder") or row["name"]): row for row in summary["rows"]}
        seed = int(summary["seed"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path}: not the summary of a run (keys 'rows' and 'seed')") from None
    draws = [row["draw"] for row in records.values() if row.get("draw") is not None]
    if draws:  # each has links and speech of its own
        raise UserError(
            f"{folder}: is a run of several draws; name one of them, such as {folder / file_names.draw(draws[0])}"
        )
    known = {str(row["name"]) for row in records.values()} | set(records)
    for name in names:
        if name not in known:
            raise UserError(f"--row {name}: the run has no such row{nearest(name, known)}")
    wanted = {f: r for f, r in records.items() if not names or r["name"] in names or f in names}
    rows = [_row(folder / f, f, r) for f, r in wanted.items() if r.get("status", FINISHED) == FINISHED]
    if not rows:
        raise UserError(f"{path}: none of its rows has finished; go on with --resume {folder}")
    return seed, rows


def _row(folder: Path, name: str, record: Record) -> RecordedRow:
    RowEnd(folder).check(file_names.TRAFFIC, file_names.METRICS)
    traffic, metrics = whole_lines(folder / file_names.TRAFFIC), whole_lines(folder / file_names.METRICS)
    cpu = {line.get("round"): float(line.get("training_cpu_seconds") or 0.0) for line in metrics}
    try:
        exchanges = _exchanges(traffic, cpu)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{folder / file_names.TRAFFIC}: a line lacks a valid {error}; run the row again") from None
    wer = record.get("wer")
    return RecordedRow(name, record.get("seed"), None if wer is None else float(wer), exchanges)


def _exchanges(traffic: Sequence[Record], cpu: Mapping[Any, float]) -> tuple[tuple[Part, ...], ...]:
    """Put messages together by round, silo and kind; the k-th of them belong to the round's k-th exchange."""
    parts: dict[tuple[int, str, int], dict[int, Part]] = {}
    seen: dict[tuple[Any, ...], int] = {}
    for line in traffic:
        round, silo, way, kind = int(line["round"]), int(line["silo"]), str(line["direction"]), str(line["kind"])
        seen[round, silo, way, kind] = turn = seen.get((round, silo, way, kind), -1) + 1
        if not 0 <= silo < MOST_SILOS or way not in ("up", "down"):
            raise ValueError("silo or direction")
        group = parts.setdefault((round, kind, turn), {})
        sizes = {f"{way}_blob": int(line["blob_bytes"]), f"{way}_envelope": int(line["envelope_bytes"])}
        heard = line.get("audio_seconds")
        audio = {"audio_seconds": None if heard is None else float(heard)} if way == "up" else {}
        group[silo] = replace(group.get(silo, _part(silo, kind)), **sizes, **audio)  # type: ignore[arg-type]
    untold = [(k[0], p) for k, g in parts.items() for p in g.values() if _is_untold(p)]
    shares = {r: sum(q == r for q, _ in untold) for r in {q for q, _ in untold}}
    return tuple(
        tuple(_with_cpu(group[silo], cpu.get(key[0], 0.0) / shares.get(key[0], 1)) for silo in sorted(group))
        for key, group in parts.items()
    )


def _part(silo: int, kind: str) -> Part:
    """Return a silo's part in an exchange, with what the kind of its messages says of itself."""
    said = kind_of(kind)
    return Part(silo, said.trains, said.averaged, said.steps == "one")


def _is_untold(part: Part) -> bool:
    """Return whether a part computed without saying on how much speech."""
    return part.replied and part.audio_seconds is None and part.trains


def _with_cpu(part: Part, seconds: float) -> Part:
    return replace(part, cpu_seconds=seconds) if _is_untold(part) else part
