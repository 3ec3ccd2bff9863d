"""Paths in an experiment's file, which are relative to that file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fedasr.asr.decoding.decoding_spec import SILOS
from fedasr.corpora.scored_sets import is_subset_of
from fedasr.corpora.spec import SYNTHETIC
from fedasr.experiment.model import MADE_STARTS

PUBLIC_WITHIN = ("same", "other accent")
"""Values of ``corpus.public`` that divide the corpus itself."""
NETWORK_FILE = ".toml"
"""How the name of a network's file ends; other names are presets'."""


def located(table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the table of an experiment with its paths absolute, given the folder of its file.

    What is no table, or no text, is left as it is: it is refused when it is read.
    """
    found = dict(table)
    corpus = found.get("corpus")
    kind = str(corpus.get("kind", SYNTHETIC)) if isinstance(corpus, Mapping) else SYNTHETIC
    for (name, key), is_name in _paths(kind).items():
        part = found.get(name)
        value = part.get(key) if isinstance(part, Mapping) else None
        if isinstance(part, Mapping) and isinstance(value, str) and value and not is_name(value):
            found[name] = {**part, key: str(folder / value)}
    if isinstance(rows := found.get("compare"), list):
        found["compare"] = [_row(row, folder) for row in rows]
    return found


def _paths(kind: str) -> dict[tuple[str, str], Callable[[str], bool]]:
    """Return each key that may hold a path, and what says that a value is a name of something else."""
    return {
        ("corpus", "path"): lambda value: False,
        ("corpus", "public"): lambda value: value in PUBLIC_WITHIN,
        ("corpus", "test"): lambda value: is_subset_of(kind, value),
        ("corpus", "development"): lambda value: is_subset_of(kind, value),
        ("model", "start"): lambda value: value in MADE_STARTS,
        ("model", "alignments"): lambda value: False,
        ("decoding", "text"): lambda value: value == SILOS,
        ("decoding", "pronunciations"): lambda value: False,
    }


def _row(row: Any, folder: Path) -> Any:
    network = row.get("network") if isinstance(row, Mapping) else None
    is_file = isinstance(network, str) and network.endswith(NETWORK_FILE)
    return {**row, "network": str(folder / network)} if is_file else row  # type: ignore[operator]
