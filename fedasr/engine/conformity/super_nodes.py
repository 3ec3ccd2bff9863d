"""All rows on a real SuperLink with two SuperNodes on the loopback, each of which holds speech of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fedasr.common.errors import RowError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.readers.manifest import MANIFEST, write_manifest
from fedasr.corpora.spec import NODES
from fedasr.corpora.utterance import Utterance
from fedasr.engine.conformity.case import Case
from fedasr.engine.conformity.outcome import TWO_SILOS, Trial
from fedasr.engine.conformity.runner import Runner
from fedasr.engine.conformity.super_link import SuperLink
from fedasr.engine.preparation import divide_corpus
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.in_process import InProcess
from fedasr.messages.elsewhere.consent import ALWAYS
from fedasr.messages.kinds import OWN
from fedasr.server.strategies_by_name import asked_by, build_strategy

SILOS = (5, 3)
"""The utterances of the two silos."""
ROW_SECONDS = 280.0
"""After which a row on SuperNodes is given up, unless more is allowed: every message to one starts a process."""


def on_super_nodes(case: Case, folder: Path, leg: str, run: Runner) -> list[Trial]:
    """Run all rows on two silos, simulated in this process, and on SuperNodes that hold one silo's speech each."""
    experiment = case.experiment(folder / "two-silos", SILOS, is_whole=True, is_scored=False)
    simulated = run(experiment, out=folder / leg / "simulated", grid=InProcess(), workers=1).rows
    found = [Trial.of(row, "process", TWO_SILOS) for row in simulated]
    served, nodes = split_between_nodes(experiment, folder / leg)
    file = case.write(served, folder / leg / "experiment.toml")
    seconds = max(ROW_SECONDS, (case.seconds or 0) / len(experiment.compare))
    with SuperLink(folder / leg / "flower", nodes, _allowed(experiment)) as link:
        return found + [_on_nodes(link, file, row, folder / leg, seconds) for row in experiment.compare]


def split_between_nodes(experiment: Experiment, folder: Path) -> tuple[Experiment, list[Path]]:
    """Write each silo's speech to a folder of its own; return those, and the experiment of a server that has none."""
    parts = _parts(experiment)
    corpus = replace(experiment.corpus, path="", partition=NODES, silos=len(parts))
    return experiment.only(corpus=corpus), [_write(part, folder / f"node-{n}") for n, part in enumerate(parts)]


def _on_nodes(link: SuperLink, file: Path, row: RowSpec, folder: Path, seconds: float) -> Trial:
    """Run a row; one that comes to no end is a failure of its own, and the next goes on."""
    out = folder / "runs" / row.name
    try:
        said = link.run({"experiment": str(file), "row": row.name, "out": str(out)}, seconds)
    except RowError as error:
        return Trial(row.name, folder.name, TWO_SILOS, None, str(error))
    summary = out / "summary.json"
    if not summary.exists():
        return Trial(row.name, folder.name, TWO_SILOS, None, f"flwr run left no summary: {said}")
    rows: list[dict[str, Any]] = json.loads(summary.read_text(encoding="utf-8"))["rows"]
    return Trial.of(rows[0], folder.name, TWO_SILOS)


def _parts(experiment: Experiment) -> list[list[Utterance]]:
    """Return the utterances of each silo, as the simulation divides them; what it holds out is the node's to draw."""
    whole = replace(experiment.corpus, held_out=0.0)
    divided = divide_corpus(experiment.only(corpus=whole), Watcher())
    by_id = {utterance.id: utterance for utterance in divided.utterances}
    return [[by_id[name] for name in silo] for silo in divided.partition.silos]


def _write(utterances: Sequence[Utterance], folder: Path) -> Path:
    """Write the speech of one silo where its node, and no other, finds it."""
    folder.mkdir(parents=True)
    rows = []
    for utterance in utterances:
        assert isinstance(utterance.audio, AudioFile)
        shutil.copy(utterance.audio.path, folder)
        rows.append({
            "audio_filepath": Path(utterance.audio.path).name, "duration": utterance.duration_seconds,
            "text": utterance.text, "speaker": utterance.speaker,
        })  # fmt: skip
    write_manifest(folder / MANIFEST, rows)
    return folder


def _allowed(experiment: Experiment) -> str:
    """Return the kinds that the nodes answer: what needs no consent, and what a row's strategy says it asks for."""
    asked = {
        kind.name
        for row in experiment.compare
        for kind in asked_by(build_strategy(row, experiment.training_of(row), len(SILOS)))
    }
    usual = {name for name, kind in OWN.items() if not kind.by_consent} - ALWAYS
    return ",".join(sorted(asked | usual)) if asked else ""
