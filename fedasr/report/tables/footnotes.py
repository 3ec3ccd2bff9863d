"""What is said below a printed comparison: what is promised, what failed, what the intervals hold."""

from __future__ import annotations

from fedasr.report.tables.comparison import HEADINGS, table_rows
from fedasr.report.words.covered import covered_line
from fedasr.report.words.groups import groups
from fedasr.report.words.publication import together_lines, without_promise
from fedasr.report.words.scored_by import scored_by
from fedasr.report.words.trust import trust_lines
from fedasr.report.words.whose import left_behind, left_behind_rates
from fedasr.runs.data import RunData


def footnotes(data: RunData, release: bool = False) -> list[str]:
    """Return what is said below the comparison, a line each; a release leaves out what is seen silo by silo."""
    lines = []
    for row in table_rows(data, release):
        promise = row.cells[HEADINGS.index("epsilon")]
        texts = [f"epsilon {promise.text} {promise.detail}"] if promise.details else []
        texts += [*(f"failed: {failure}" for failure in row.failures), *row.notes]
        lines += [f"{row.cells[0].text}: {text}" for text in texts]
    whose = [left_behind(data, release), "" if release else left_behind_rates(groups(data))]
    private = [*together_lines(data), without_promise(data)] if data.together else []
    told = filter(None, [*private, covered_line(data), scored_by(data), *whose])
    return [*lines, *trust_lines(data), *told, *data.remarks]
