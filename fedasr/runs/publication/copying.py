"""The files of a run that may be published: of each row its model, its ledger, and what it heard in test speech."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from fedasr.common.files import load_arrays, save_arrays, write_json, write_lines
from fedasr.runs import file_names
from fedasr.runs.data import HypothesisData, PartitionData, RowData
from fedasr.runs.json_files import json_there, lines_there
from fedasr.runs.reading import read_partition

MODEL_FACTS = ("recogniser", "tokens", "text")
"""What is kept of a model's description: shape, inventory, and the rule of its transcripts."""
PROMISE = (
    "promise", "epsilon", "epsilon_spent", "epsilon_bound", "bounds", "delta", "unit", "adjacency", "kind",
    "confidence", "trust", "beside",
)  # fmt: skip
CHARGE = (
    "mechanism", "unit", "adjacency", "noise", "sampling_assumed", "sampling_used", "count", "key", "upper", "covers",
)  # fmt: skip
"""What is kept of ``privacy.json`` and of each line of its ledger."""


def copy_published(run: Path, rows: Iterable[RowData], folder: Path) -> None:
    """Write into a folder what may be published of some rows of a run, each into a folder of its own.

    Files are written anew from what is allowed in them: whatever else stands in the run's, or beside them, stays.

    Parameters
    ----------
    run : Path
        The run folder.
    rows : iterable of RowData
        Those that may be published (`fedasr.runs.publication.standing`).
    folder : Path
    """
    for row in rows:
        source, target = run / row.folder, folder / row.folder
        if (source / file_names.MODEL).is_file():
            weights, about = load_arrays(source / file_names.MODEL)
            save_arrays(target / file_names.MODEL, weights, _chosen(about, MODEL_FACTS))
        if isinstance(found := json_there(source / file_names.PRIVACY, []), dict):
            ledger = [_chosen(line, CHARGE) for line in found.get("ledger") or () if isinstance(line, dict)]
            write_json(target / file_names.PRIVACY, {**_chosen(found, PROMISE), "ledger": ledger})
        if heard := list(_heard(source)):
            write_lines(target / file_names.HYPOTHESES, heard)


def _heard(row: Path) -> Iterator[dict[str, Any]]:
    """Yield what a row heard in test and public speech; nothing where nobody wrote down whose speech is whose."""
    partition = read_partition(row.parent, [])
    speakers = _nobodys(partition) if partition else frozenset()
    names = tuple(field.name for field in fields(HypothesisData))
    for line in lines_there(row / file_names.HYPOTHESES, [], "id"):
        if line.get("speaker") in speakers:
            yield _chosen(line, names)


def _nobodys(partition: PartitionData) -> frozenset[str]:
    """Return the speakers who are nobody's silo."""
    parts = (partition.test, partition.development, partition.public_labelled, partition.public_unlabelled)
    in_silos = {name for silo in partition.silos for name in silo.speakers}
    return frozenset(name for part in parts for name in part.speakers) - in_silos


def _chosen(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: record[name] for name in names if name in record}
