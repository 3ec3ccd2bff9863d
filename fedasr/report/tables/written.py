"""The comparison as a table for a paper or a program: LaTeX, Markdown or CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from types import MappingProxyType

from fedasr.common.errors import UserError
from fedasr.report.tables.footnotes import footnotes
from fedasr.report.tables.numbers import NUMBERS
from fedasr.report.tables.paper import WORDS, columns
from fedasr.report.words.groups import groups
from fedasr.runs.data import RunData
from fedasr.runs.publication.shown import shown

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "–": "--", "’": "'", "…": r"\ldots{}", "ε": r"$\varepsilon$",
    "δ": r"$\delta$", "σ": r"$\sigma$", "≥": r"$\geq$", "≤": r"$\leq$", "∞": r"$\infty$", "·": r"$\cdot$",
    "×": r"$\times$", "−": r"$-$", "[": "{[}", "]": "{]}",
}  # fmt: skip


def written_table(data: RunData, form: str, release: bool = False) -> str:
    """Return the comparison in a form that papers and programs take.

    Parameters
    ----------
    data : RunData
    form : str
        ``"latex"``, a ``table`` that needs booktabs; ``"markdown"``; or ``"csv"``, numbers as they are, under names
        with units.
    release : bool
        Show what may be published and nothing else.

    Raises
    ------
    UserError
        Where there is no such form.
    """
    if form not in FORMS:
        raise UserError(f"--table {form}: must be {', '.join(list(FORMS)[:-1])} or {list(FORMS)[-1]}")
    return FORMS[form](shown(data) if release else data, release)


def latex(data: RunData, release: bool = False) -> str:
    """Return the comparison as a ``table`` environment, what is said of it below."""
    headings, *rows = columns(data, release)
    aligned = "".join("l" if heading in WORDS else "r" for heading in headings)
    lines = [f"{' & '.join(map(_escaped, row))} \\\\" for row in (headings, *rows)]
    notes = [rf"\par {_escaped(note)}" for note in footnotes(data, release)]
    return "\n".join([
        r"% needs \usepackage{booktabs}", r"\begin{table}", r"\centering", rf"\caption{{{_escaped(data.experiment)}}}",
        rf"\begin{{tabular}}{{{aligned}}}", r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule",
        r"\end{tabular}", *([r"\par\medskip\footnotesize\raggedright", *notes] if notes else []), r"\end{table}", "",
    ])  # fmt: skip


def markdown(data: RunData, release: bool = False) -> str:
    """Return the comparison as a table of Markdown, what is said of it below."""
    headings, *rows = columns(data, release)
    rule = ["---" if heading in WORDS else "---:" for heading in headings]
    told = [[_marked(cell) for cell in row] for row in (headings, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in (told[0], rule, *told[1:])]
    notes = [f"- {_marked(note)}" for note in footnotes(data, release)]
    return "\n".join([*lines, *(["", *notes] if notes else []), ""])


def comma_separated(data: RunData, release: bool = False) -> str:
    """Return a line for each row, its numbers in full, nothing for what is not known or not promised."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(NUMBERS)
    for group in groups(data):
        found = (number(group, release) for number in NUMBERS.values())
        writer.writerow(map(_field, found))
    return text.getvalue()


FORMS = MappingProxyType[str, Callable[[RunData, bool], str]](
    {"latex": latex, "csv": comma_separated, "markdown": markdown}
)


def _field(value: float | str | None) -> float | str:
    """Return a value as it is written: a whole number without a point."""
    return "" if value is None else int(value) if isinstance(value, float) and value.is_integer() else value


def _escaped(text: str) -> str:
    escaped = "".join(_LATEX.get(letter, letter) for letter in " ".join(re.sub("-(?=-)", "-\0", text).split()))
    return escaped.replace("\0", "{}")


def _marked(text: str) -> str:
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", " ".join(text.split()))
