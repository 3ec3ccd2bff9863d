"""What others may rely on, by name, and the page that says so."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from fedasr.runs.model_file import MODEL_FORMAT

STABLE, PROTOCOL = "stable", "protocol"
CONTRACT: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType({
    "To run and to read": (STABLE, (
        "fedasr:run", "fedasr:evaluate", "fedasr:transcribe", "fedasr:Experiment", "fedasr:Result",
        "fedasr.report:figures", "fedasr.report:html_table", "fedasr.report:read_run", "fedasr.report:write_page",
        "fedasr.common.errors:UserError", "fedasr.common.errors:RowError",
    )),
    "Accounting alone": (STABLE, (
        "fedasr.privacy.accounting.calibration:noise_for", "fedasr.privacy.accounting.ledger:Ledger",
        "fedasr.privacy.accounting.ledger:Release", "fedasr.privacy.mechanisms.noisy_max:GNMax",
        "fedasr.privacy.noise:SecureNoise",
    )),
    "Settings of anything named": (PROTOCOL, (
        "fedasr.common.settings:Settings", "fedasr.common.settings:number", "fedasr.common.settings:share",
        "fedasr.common.settings:least", "fedasr.common.settings:one_of",
    )),
    "A strategy, and what silos do for it": (PROTOCOL, (
        "fedasr.server.central:Central", "fedasr.messages.kinds:Kind", "fedasr.messages.records:CHANGE",
        "fedasr.messages.records:array_record", "fedasr.messages.records:arrays_of",
        "fedasr.silo.client:ClientHalf", "fedasr.silo.client:Answer", "fedasr.silo.work:Work",
    )),
    "Objectives and protections": (PROTOCOL, (
        "fedasr.asr.recogniser:Recogniser", "fedasr.asr.batch:Batch", "fedasr.training.batches:Examples",
        "fedasr.training.objectives.objective:Objective", "fedasr.training.learner:Learner",
        "fedasr.training.holdings:Holdings", "fedasr.training.holdings:Chosen", "fedasr.training.gradients:Gradient",
        "fedasr.protection.protection:Protection", "fedasr.protection.batchwise:Batchwise",
    )),
    "Codecs": (PROTOCOL, (
        "fedasr.wire.codec:Codec", "fedasr.wire.codec:Arrays", "fedasr.wire.codec:Delivery",
        "fedasr.wire.codec:Layout", "fedasr.wire.codec:State", "fedasr.wire.feedback:deliver",
        "fedasr.wire.feedback:remainder", "fedasr.wire.header:expect", "fedasr.wire.header:seal",
        "fedasr.wire.header:unseal", "fedasr.wire.packing.vectors:Vector",
        "fedasr.wire.packing.vectors:check_finite", "fedasr.wire.packing.vectors:gather",
    )),
    "Heads and readers": (PROTOCOL, (
        "fedasr.asr.heads.ctc:CTCHead", "fedasr.asr.layers:valid_frames", "fedasr.asr.features:frames_to_seconds",
        "fedasr.corpora.utterance:Utterance", "fedasr.corpora.audio:AudioFile", "fedasr.corpora.faults:Fault",
        "fedasr.corpora.readers.lines:read_text", "fedasr.corpora.readers.records:plain_text",
    )),
    "Pictures": (PROTOCOL, (
        "fedasr.runs.data:RunData", "fedasr.report.words.groups:Group", "fedasr.report.words.groups:groups",
        "fedasr.report.pictures.picture:Picture", "fedasr.report.pictures.drawing.style:drawing",
        "fedasr.report.pictures.drawing.style:new_figure", "fedasr.report.pictures.drawing.looks:looks",
        "fedasr.report.pictures.drawing.labels:label_ends",
    )),
})  # fmt: skip
"""By heading: how stable, and the names as ``module:name``."""

INTRODUCTION = f"""# What others may rely on

This page is written by `python -m fedasr.engine.reference` from the code's own docstrings, which say more: shapes,
units, errors.

- **Stable**: a name goes, or changes its meaning, only after a version in which it warns, never in a patch version.
- **Protocol**: what a package of yours is written against ([extend it](../how-to/extend.md)). Before 1.0 a minor
  version may change it; the changelog then says how to mend yours, and the examples of that page, which tests run,
  are mended with it.
- All else is internal, also where its name has no underscore.

Entry-point groups, commands and their options, exit codes, the keys of the [experiment file](experiment.md), and file
names and keys of the [run folder](run-folder.md) are stable in the same sense. A saved model says the version of its
format, now {MODEL_FORMAT}: older ones are read, a newer one is refused in one line.
"""


def contract_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([INTRODUCTION, *(line for heading in CONTRACT for line in _section(heading))])


def _section(heading: str) -> list[str]:
    stability, names = CONTRACT[heading]
    lines = [_line(*name.split(":")) for name in names]
    return [f"## {heading}", "", f"{stability.capitalize()}.", "", "| name | |", "|---|---|", *lines, ""]


def _line(module: str, name: str) -> str:
    found = getattr(import_module(module), name)
    return f"| `{module}.{name}` | {_first_sentence(found)} |"


def _first_sentence(found: Any) -> str:
    documented = inspect.isclass(found) or inspect.isroutine(found)
    text = (inspect.getdoc(found) or "").split("\n\n")[0] if documented else "A value, or a name for a type."
    plain = " ".join(re.sub(r"(?<!`)`(?!`)|``", "", text).split())
    return plain.replace("|", "\\|")
