"""The report: one HTML page that needs nothing but itself."""

from __future__ import annotations

import os
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup
from matplotlib.figure import Figure

from fedasr.common.errors import UserError
from fedasr.report.pictures.drawing.looks import looks
from fedasr.report.pictures.drawing.svg import svg
from fedasr.report.pictures.order import pictures, reason, warn
from fedasr.report.pictures.picture import Picture
from fedasr.report.speedups import read_with_speedups
from fedasr.report.tables.alignment import examples
from fedasr.report.tables.comparison import HEADINGS, table_rows
from fedasr.report.tables.pairs import pair_tables
from fedasr.report.tables.privacy import LEDGER_HEADINGS, VOTE_HEADINGS, ledger_rows, vote_rows
from fedasr.report.tables.together import TOGETHER_HEADINGS, together_rows
from fedasr.report.tables.work import WORK_HEADINGS, work_rows
from fedasr.report.words.covered import covered_line
from fedasr.report.words.findings import carries_epsilon, findings
from fedasr.report.words.groups import groups
from fedasr.report.words.publication import without_promise
from fedasr.report.words.scored_by import scored_by
from fedasr.report.words.sharing import shared_lines
from fedasr.report.words.trust import trust_lines
from fedasr.report.words.units import bytes_text, percent, seconds_text
from fedasr.report.words.whose import left_behind
from fedasr.runs.data import NOISY, RoundData, RowData, RunData
from fedasr.runs.file_names import REPORT
from fedasr.runs.publication.shown import shown
from fedasr.runs.reading import read_run
from fedasr.runs.speech_data import ExtentData, SpeechData

LABELS = {"epsilon": "privacy ε", "WER %": "WER %, new speakers", "own %": "WER %, own speakers"}


def write_page(run_folder: Path, release: bool = False) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    Parameters
    ----------
    run_folder : Path
    release : bool
        Show what may be published and nothing else: `fedasr.runs.publication.shown`.
    """
    path = Path(run_folder) / REPORT
    text = page(read_with_speedups(Path(run_folder)), release)
    try:
        _write_atomically(path, text)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); free the disk, or use --out") from None
    return path


def figures(run_folder: Path) -> dict[str, Figure]:
    """Return the figures of a run by name, for a notebook or a paper."""
    return {picture.key: picture.figure for picture in pictures(read_with_speedups(Path(run_folder)))}


def shown_utterances(run_folder: Path) -> list[str]:
    """Return the ids of the test utterances of which a run's page shows what was heard, in its order."""
    return [example.id for example in examples(read_run(Path(run_folder)))]


def html_table(run_folder: Path) -> str:
    """Return the comparison as an HTML table, for a notebook."""
    return _template("table.html.jinja").render(_comparison(read_run(Path(run_folder)), False))


def page(data: RunData, release: bool = False) -> str:
    """Return the report as HTML: the same text for the same run."""
    told = without_promise(data, release) if release or carries_epsilon(data) else ""
    of = shown(data) if release else data
    return _template("page.html.jinja").render({**_context(of, release), "without_promise": told})


def _template(name: str) -> Template:
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_resource),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(percent=percent, bytes=bytes_text, duration=seconds_text)
    return environment.get_template(name)


def _comparison(data: RunData, release: bool) -> dict[str, Any]:
    return {
        "headings": HEADINGS,
        "labels": [LABELS.get(heading, heading) for heading in HEADINGS],
        "rows": table_rows(data, release),
        "colours": {name: look.colour for name, look in looks(groups(data)).items()},
        "several_seeds": any(len(group.rows) > 1 for group in groups(data)),
        "noisy": any(group.rate(NOISY) is not None for group in groups(data)),
        "covered": covered_line(data),
        "scored_by": scored_by(data),
        "left_behind": left_behind(data, release),
        "pairs": pair_tables(data, release),
    }


def _context(data: RunData, release: bool) -> dict[str, Any]:
    drawings, remarks = _drawings(data, release)
    script, told = _resource("sorting.js"), [] if release else examples(data)
    return {
        **_comparison(data, release),
        "run": replace(data, remarks=(*data.remarks, *remarks)),
        "release": release,
        "style": Markup(_resource("style.css")),
        "script": Markup(script),
        "script_hash": b64encode(sha256(script.encode()).digest()).decode(),
        "findings": findings(data),
        "shared": shared_lines(data),
        "drawings": drawings,
        "examples": told,
        "audible": {each.id: data.audible[each.id] for each in told if each.id in data.audible},
        "promises": carries_epsilon(data),
        "draws": sorted({row.draw for row in data.rows if row.draw is not None}),
        "seeds": sorted({row.seed for row in data.rows if row.seed is not None}),
        "losses": any(row.development_loss is not None for row in data.rows),
        "speech": None if release else data.speech,
        "extents": _extents(data.speech),
        "held_out": data.partition is not None and any(silo.held_out_utterances for silo in data.partition.silos),
        "work_headings": WORK_HEADINGS,
        "work": work_rows(data, release),
        "together_headings": TOGETHER_HEADINGS,
        "together": together_rows(data),
        "ledger_headings": LEDGER_HEADINGS,
        "ledger": ledger_rows(data),
        "trusts": trust_lines(data),
        "vote_headings": VOTE_HEADINGS,
        "votes": [] if release else vote_rows(data),
        "voted": any(row.votes for row in data.rows),
        "evaluations": [found for row in data.rows if (found := _last_evaluation(row))],
        "traffic": [(row, total) for row in data.rows for total in row.traffic],
    }


def _last_evaluation(row: RowData) -> tuple[RowData, RoundData, Mapping[str, float]] | None:
    """Return the last round in which a row evaluated in its silos, and what its strategy made of that."""
    told = [(row, line, line.evaluation) for line in row.metrics if line.evaluation]
    return told[-1] if told else None


def _extents(speech: SpeechData | None) -> list[tuple[str, ExtentData]]:
    """Return how much speech there is of each corpus and each part that has any, by names for the page."""
    if speech is None:
        return []
    parts = [(name.replace("_", " "), part) for name, part in speech.parts.items() if part.utterances]
    whole = {"corpus": "corpus", "public": "public corpus", "test": "test set", "development": "development set"}
    return [(whole.get(name, name), corpus.extent) for name, corpus in speech.corpora.items()] + parts


def _drawings(data: RunData, release: bool) -> tuple[list[tuple[Picture, Markup]], list[str]]:
    """Return the pictures as SVG, and a line for each that could not be drawn: no picture loses the page."""
    remarks: list[str] = []

    def lost(name: str, error: BaseException) -> None:
        warn(name, error)
        why = type(error).__name__ if release else reason(error)  # an error may quote speech
        remarks.append(f"The picture '{name}' could not be drawn ({why}).")

    drawings = []
    for picture in pictures(data, release, lost):
        try:
            drawings.append((picture, Markup(svg(picture.figure, picture.key))))
        except Exception as error:
            lost(picture.key, error)
    return drawings, remarks


def _resource(name: str) -> str:
    return resources.files("fedasr.report.pages").joinpath(name).read_text("utf-8")


def _write_atomically(path: Path, text: str) -> None:
    """A reader sees the old page or the new one, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".report-", suffix=".html")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
