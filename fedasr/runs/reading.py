"""Reading a run folder, forgiving of what a killed run leaves: torn lines and absent files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import read_json
from fedasr.corpora.partition import SPEAKER_PARTS
from fedasr.runs import file_names
from fedasr.runs.data import (
    HypothesisData,
    LeftBehind,
    PartData,
    PartitionData,
    RoundData,
    RowData,
    RunData,
    SharedStage,
    SiloData,
    SiloScore,
    SiloScores,
    SpeakerScore,
    TrafficTotal,
)
from fedasr.runs.decoding_data import DecodingData
from fedasr.runs.filling import Record, filled, whole
from fedasr.runs.json_files import json_there, lines_there
from fedasr.runs.made_of import is_sealed
from fedasr.runs.privacy_data import MechanismData, PrivacyData, ReleaseData, VotesData
from fedasr.runs.publication.together import Together
from fedasr.runs.row_end import RowEnd
from fedasr.runs.row_summary import FINISHED
from fedasr.runs.speech_data import CorpusData, ExtentData, LeftOutData, SpeechData


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
    summary = _summary(folder / file_names.SUMMARY)
    gone = [name for name in summary.get("files") or () if not (folder / str(name)).is_file()]
    remarks += [f"{name} was there and is gone." for name in gone]
    environment = json_there(folder / file_names.ENVIRONMENT, remarks)
    toml = _experiment(folder / file_names.EXPERIMENT, remarks)
    return RunData(
        experiment=str(summary.get("experiment", folder.name)),
        seed=whole(summary.get("seed")),
        version=str(summary.get("version", "")),
        scored=str(summary["scored"]) if "scored" in summary else None,
        rows=tuple(_row(folder, record, remarks) for record in summary["rows"]),
        together=tuple(filled(Together, line) for line in summary.get("together") or ()),
        crossed=whole(summary.get("crossed")) or 0,
        partition=read_partition(folder, remarks),
        environment={str(key): str(value) for key, value in (environment or {}).items()},
        experiment_toml=toml,
        speech=_speech(json_there(folder / file_names.CORPUS, remarks)),
        left_behind=_left_behind(folder, remarks),
        decoding=_decoding(json_there(folder / file_names.DECODING, remarks)),
        shared=_shared(json_there(folder / file_names.SHARED, remarks)),
        audible=_audible(json_there(folder / file_names.AUDIBLE, remarks)),
        remarks=tuple(remarks),  # last, when all is read
    )


def _audible(record: Any) -> dict[str, str]:
    found = record.get("wav") if isinstance(record, dict) else None
    return {str(name): str(wav) for name, wav in found.items()} if isinstance(found, dict) else {}


def _summary(path: Path) -> dict[str, Any]:
    try:
        summary = read_json(path)
        if not all(isinstance(row["name"], str) for row in summary["rows"]):
            raise TypeError
    except FileNotFoundError:
        raise UserError(f"{path}: not found; name a run folder, or finish its run with --resume") from None
    except (OSError, ValueError, KeyError, TypeError):
        told = "corrupt, or not the summary of a run (key 'rows')"
        raise UserError(f"{path}: {told}; write it anew with --resume") from None
    return dict(summary)


def _row(run: Path, record: Record, remarks: list[str]) -> RowData:
    folder = run / str(record.get("folder") or record["name"])
    damaged = _damaged(folder, remarks)

    def place(name: str) -> Path:
        return folder / (name if name not in damaged else f"{name}.damaged")

    return filled(
        RowData,
        {"status": FINISHED, "strategy": record["name"], **record, "folder": folder.relative_to(run).as_posix()},
        metrics=_metrics(place(file_names.METRICS), remarks),
        traffic=_traffic(place(file_names.TRAFFIC), remarks),
        hypotheses=tuple(
            filled(HypothesisData, line) for line in lines_there(place(file_names.HYPOTHESES), remarks, "id")
        ),
        silo_scores=None if record.get("draw") else _silo_scores(json_there(place(file_names.SILOS), remarks)),
        speaker_scores=tuple(
            named_in_draw(filled(SpeakerScore, score), record.get("population"))
            for score in json_there(place(file_names.SPEAKERS), remarks) or ()
        ),
        privacy=_privacy(json_there(place(file_names.PRIVACY), remarks)),
        votes=_votes(json_there(place(file_names.VOTES), remarks)),
    )


def _experiment(path: Path, remarks: list[str]) -> str:
    """Return the text of an experiment, with a remark where it is not that which the run began with."""
    text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    if not is_sealed(text):
        remarks.append(f"{path.name} was edited or damaged since the run began.")
    return text


def _damaged(folder: Path, remarks: list[str]) -> list[str]:
    """Return which files of a row are not those that it ended with, each with a remark."""
    try:
        found = RowEnd(folder).damaged()
    except UserError as error:
        remarks.append(str(error))
        return []
    remarks += [f"{folder.name}/{name} is corrupt (not what the row ended with) and was left out." for name in found]
    return found


def named_in_draw(score: SpeakerScore, population: str | None) -> SpeakerScore:
    """Return a score with a name that is no other person's in another draw."""
    return replace(score, speaker=f"{population} · {score.speaker}") if population else score


def _privacy(record: Any) -> PrivacyData | None:
    if not isinstance(record, dict):
        return None
    entries = (entry for entry in record.get("ledger") or () if isinstance(entry, dict))
    ledger = tuple(
        filled(ReleaseData, entry, mechanism=MechanismData.from_json(entry.get("mechanism"))) for entry in entries
    )
    found = record.get("bounds")
    bounds = tuple((name, float(value)) for name, value in found.items()) if isinstance(found, dict) else ()
    return filled(PrivacyData, record, ledger=ledger, bounds=bounds)


def _votes(record: Any) -> VotesData | None:
    if not isinstance(record, dict):
        return None
    return filled(VotesData, record, mechanism=MechanismData.from_json(record.get("mechanism")))


def _metrics(path: Path, remarks: list[str]) -> tuple[RoundData, ...]:
    """A resumed run may write a round twice: the later line counts."""
    rounds = {int(line["round"]): filled(RoundData, line) for line in lines_there(path, remarks, "round")}
    return tuple(rounds[number] for number in sorted(rounds))


def _traffic(path: Path, remarks: list[str]) -> tuple[TrafficTotal, ...]:
    totals: dict[tuple[str, str], list[int]] = {}
    for line in lines_there(path, remarks, "direction"):
        total = totals.setdefault((str(line.get("kind")), str(line["direction"])), [0, 0, 0])
        counts = (line.get("messages", 1), line.get("blob_bytes"), line.get("envelope_bytes"))
        for index, count in enumerate(counts):
            total[index] += int(count or 0)
    return tuple(TrafficTotal(*key, *totals[key]) for key in sorted(totals))


def _silo_scores(record: Any) -> SiloScores | None:
    if not isinstance(record, dict) or not record.get("silos"):
        return None
    return SiloScores(str(record.get("on", "own speech")), tuple(filled(SiloScore, silo) for silo in record["silos"]))


def _speech(record: Any) -> SpeechData | None:
    if not isinstance(record, dict):
        return None
    corpora = {name: _corpus(corpus) for name, corpus in (record.get("corpora") or {}).items()}
    parts = {name: filled(ExtentData, part) for name, part in (record.get("parts") or {}).items()}
    return SpeechData(corpora, parts, tuple(map(str, record.get("notes") or ())))


def _left_behind(folder: Path, remarks: list[str]) -> tuple[LeftBehind, ...]:
    """Return who was ranked so, for each seed and each draw, which has a folder of its own."""
    name = f"{file_names.STARTS}/*.left-behind.json"
    paths = sorted(folder.glob(name)) + sorted(folder.glob(f"{file_names.DRAW}*/{name}"))
    found = (json_there(path, remarks) for path in paths)
    return tuple(filled(LeftBehind, record) for record in found if isinstance(record, dict))


def _shared(record: Any) -> tuple[SharedStage, ...]:
    lines = record.get("shared") if isinstance(record, dict) else record  # a list in runs of earlier versions
    return tuple(filled(SharedStage, line) for line in lines or ())


def _decoding(record: Any) -> DecodingData | None:
    return filled(DecodingData, record) if isinstance(record, dict) and "method" in record else None


def _corpus(record: Record) -> CorpusData:
    left_out = tuple(filled(LeftOutData, each) for each in record.get("left_out") or ())
    return CorpusData(filled(ExtentData, record.get("extent") or {}), left_out)


def read_partition(folder: Path, remarks: list[str]) -> PartitionData | None:
    """Return who holds which speech in a run; None (with a remark where it is torn) where that is not known."""
    record = json_there(folder / file_names.PARTITION, remarks)
    if not isinstance(record, dict):
        return None
    silos = tuple(filled(SiloData, silo) for silo in record.get("silos") or ())
    parts = {name: filled(PartData, record.get(name) or {}) for name in SPEAKER_PARTS}
    return PartitionData(rule=str(record.get("rule", "")), silos=silos, **parts)
