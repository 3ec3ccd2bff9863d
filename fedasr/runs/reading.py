"""Reading a run folder, forgiving of what a killed run leaves: torn lines and absent files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from fedasr.common.errors import UserError
from fedasr.runs.records import (
    HypothesisData,
    MechanismData,
    PartData,
    PartitionData,
    PrivacyData,
    ReleaseData,
    RoundData,
    RowData,
    RunData,
    ScoreData,
    SiloData,
    SiloScores,
    TrafficTotal,
    VotesData,
)

Record = Mapping[str, Any]
T = TypeVar("T")


def read_run(folder: Path) -> RunData:
    """Return everything the report needs from a run folder.

    Parameters
    ----------
    folder : Path
        ``runs/<experiment>-<n>``. Only its ``summary.json`` must be there.

    Raises
    ------
    UserError
        Where ``summary.json`` is absent or is not the summary of a run.
    """
    remarks: list[str] = []
    summary = _summary(folder / "summary.json")
    partition = _json(folder / "partition.json", remarks)
    environment = _json(folder / "environment.json", remarks)
    toml = folder / "experiment.toml"
    return RunData(
        experiment=str(summary.get("experiment", folder.name)),
        seed=_whole(summary.get("seed")),
        version=str(summary.get("version", "")),
        rows=tuple(_row(folder, record, remarks) for record in summary["rows"]),
        partition=_partition(partition) if isinstance(partition, dict) else None,
        environment={str(key): str(value) for key, value in (environment or {}).items()},
        experiment_toml=toml.read_text("utf-8", errors="replace") if toml.is_file() else "",
        remarks=tuple(remarks),
    )


def _summary(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text("utf-8"))
        if not all(isinstance(row["name"], str) for row in summary["rows"]):
            raise TypeError
    except FileNotFoundError:
        raise UserError(f"{path}: not found; name a run folder, or finish its run with --resume") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path}: not the summary of a run (key 'rows'); write it anew with --resume") from None
    return dict(summary)


def _row(run: Path, record: Record, remarks: list[str]) -> RowData:
    folder = run / str(record.get("folder") or record["name"])
    spread = record.get("wer_spread")
    return _filled(
        RowData,
        {"status": "finished", "strategy": record["name"], **record, "folder": folder.name},
        wer_spread=(float(spread[0]), float(spread[1])) if spread else None,
        metrics=_metrics(folder / "metrics.jsonl", remarks),
        traffic=_traffic(folder / "traffic.jsonl", remarks),
        hypotheses=tuple(_filled(HypothesisData, line) for line in _lines(folder / "hypotheses.jsonl", remarks, "id")),
        silo_scores=_silo_scores(_json(folder / "silos.json", remarks)),
        speaker_scores=tuple(
            _score(str(score["speaker"]), score) for score in _json(folder / "speakers.json", remarks) or ()
        ),
        privacy=_privacy(_json(folder / "privacy.json", remarks)),
        votes=_votes(_json(folder / "votes.json", remarks)),
    )


def _privacy(record: Any) -> PrivacyData | None:
    if not isinstance(record, dict):
        return None
    entries = (entry for entry in record.get("ledger") or () if isinstance(entry, dict))
    ledger = tuple(_filled(ReleaseData, entry, mechanism=_mechanism(entry.get("mechanism"))) for entry in entries)
    bounds = {name: _bound(record.get(name)) for name in ("epsilon", "rdp", "pld")}
    return _filled(PrivacyData, record, ledger=ledger, **bounds)


def _votes(record: Any) -> VotesData | None:
    if not isinstance(record, dict):
        return None
    return _filled(VotesData, record, mechanism=_mechanism(record.get("mechanism")))


def _mechanism(record: Any) -> MechanismData:
    if not isinstance(record, dict):
        return MechanismData("unknown" if record is None else str(record))
    numbers = {name: value for name, value in record.items() if name != "kind" and value is not None}
    plain = {name: value if _bound(value) is None else float(value) for name, value in numbers.items()}
    kept = ((name, value if isinstance(value, float) else str(value)) for name, value in plain.items())
    return MechanismData(str(record.get("kind", "unknown")), tuple(kept))


def _bound(value: Any) -> float | None:
    """Return a number, be it infinite: what bounds nothing must not look unknown."""
    return math.inf if value == math.inf else _number(value)


def _metrics(path: Path, remarks: list[str]) -> tuple[RoundData, ...]:
    """A resumed run may write a round twice: the later line counts."""
    rounds = {int(line["round"]): _filled(RoundData, line) for line in _lines(path, remarks, "round")}
    return tuple(rounds[number] for number in sorted(rounds))


def _traffic(path: Path, remarks: list[str]) -> tuple[TrafficTotal, ...]:
    totals: dict[tuple[str, str], list[int]] = {}
    for line in _lines(path, remarks, "direction"):
        total = totals.setdefault((str(line.get("kind")), str(line["direction"])), [0, 0, 0])
        counts = (line.get("messages", 1), line.get("blob_bytes"), line.get("envelope_bytes"))
        for index, count in enumerate(counts):
            total[index] += int(count or 0)
    return tuple(TrafficTotal(*key, *totals[key]) for key in sorted(totals))


def _silo_scores(record: Any) -> SiloScores | None:
    if not isinstance(record, dict) or not record.get("silos"):
        return None
    silos = (_score(_silo_name(silo["silo"], silo.get("speakers")), silo) for silo in record["silos"])
    return SiloScores(str(record.get("on", "own speech")), tuple(silos))


def _silo_name(silo: Any, speakers: Any) -> str:
    alone = isinstance(speakers, list) and len(speakers) == 1
    return f"silo {silo} · {speakers[0]}" if alone else f"silo {silo}"


def _score(name: str, record: Record) -> ScoreData:
    return ScoreData(name, int(record.get("errors") or 0), int(record.get("words") or 0))


def _partition(record: Record) -> PartitionData:
    silos = (SiloData(int(s["silo"]), *_extent(s)) for s in record.get("silos") or ())
    names = ("public_labelled", "public_unlabelled", "development", "test")
    parts = {name: PartData(*_extent(record.get(name) or {})) for name in names}
    return PartitionData(rule=str(record.get("rule", "")), silos=tuple(silos), **parts)


def _extent(record: Record) -> tuple[tuple[str, ...], int, float]:
    speakers = tuple(str(speaker) for speaker in record.get("speakers") or ())
    return speakers, int(record.get("utterances") or 0), float(record.get("seconds") or 0)


def _json(path: Path, remarks: list[str]) -> Any:
    """Return the content of a JSON file; None (with a remark) where it is torn, None where it is absent."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        remarks.append(f"{path.parent.name}/{path.name} could not be read and was left out.")
        return None


def _lines(path: Path, remarks: list[str], key: str) -> Iterator[Record]:
    """Yield the records that carry the key; a killed run leaves a torn line, said in a remark."""
    if not path.is_file():
        return
    torn = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in filter(str.strip, file):
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if isinstance(record, dict) and record.get(key) is not None:
                yield record
            else:
                torn += 1
    if torn:
        remarks.append(f"{path.parent.name}/{path.name}: {torn} unreadable line(s) left out.")


def _number(value: Any) -> float | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


_COERCE: Mapping[str, Callable[[Any], Any]] = {
    "int": int,
    "str": lambda value: "" if value is None else str(value),
    "int | None": _whole,
    "float | None": _number,
    "str | None": lambda value: None if value is None else str(value),
}


def _filled(kind: type[T], record: Record, **given: Any) -> T:
    """Build a frozen record from JSON by the types of its fields; unknown keys are passed over."""
    taken = {
        field.name: _COERCE[str(field.type)](record.get(field.name))
        for field in fields(kind)  # type: ignore[arg-type]
        if field.name not in given
    }
    return kind(**taken, **given)
