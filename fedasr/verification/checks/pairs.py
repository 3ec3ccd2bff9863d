"""Paired intervals: each cell of the page's tables of rows beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from fedasr.verification.arithmetic.pooled_rates import Counts, Estimate, ratio
from fedasr.verification.evidence import REPORT, Row, RunEvidence
from fedasr.verification.findings import Finding, Scribe

CHECK = "paired intervals"
LABEL = "Rows beside each other, "
ALIKE = "speakers alike"
CELL = re.compile(rf"(?P<value>[\d.]+)(?: \((?:(?P<alike>{ALIKE})|(?P<low>[\d.]+|> 100)–(?P<high>[\d.]+|> 100))\))?")
HALF_A_DIGIT = 0.5 + 1e-6


class PairTables(HTMLParser):
    """Collects the tables of pairs of a page: the cells' text by whose speech, decoding, row and column."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[tuple[str, str, list[list[str]]]] = []
        self._is_cell = self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell."""
        label = dict(attrs).get("aria-label") or ""
        if tag == "div" and label.startswith(LABEL):
            of, _, decoding = label.removeprefix(LABEL).rpartition(", ")
            self.tables.append((of, decoding, []))
            self._is_inside = True
        elif tag == "tr" and self._is_inside:
            self.tables[-1][2].append([])
        self._is_cell = self._is_cell or (tag in ("td", "th") and self._is_inside)
        if tag in ("td", "th") and self._is_inside:
            self.tables[-1][2][-1].append("")

    def handle_data(self, data: str) -> None:
        """Add to a cell."""
        if self._is_cell:
            self.tables[-1][2][-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        """End a cell or a table."""
        self._is_cell = self._is_cell and tag not in ("td", "th")
        self._is_inside = self._is_inside and tag != "table"


def check_pairs(run: RunEvidence) -> Iterator[Finding]:
    """Compute every ratio of the page again; of all else that stands on it, say that it was not read."""
    page, scribe = PairTables(), Scribe(CHECK, run.folder.name(REPORT))
    if not run.folder.has(REPORT):
        yield scribe.unknown("the page", None, "not there")
        return
    yield scribe.unknown("the page's other figures", None, "not read: python -m fedasr.report writes it anew")
    page.feed(run.folder.text(REPORT))
    for of, decoding, (heads, *lines) in page.tables:
        for name, *cells in lines:
            for column, cell in zip(heads[1:], cells, strict=True):
                found = None if name == column else _paired(run.rows, name, column, of, decoding)
                what = f"{name} beside {column}, {of}, {decoding}"
                yield scribe.holds(what, _agrees(cell, found), cell, _told(found))


def _paired(rows: Sequence[Row], one: str, other: str, of: str, decoding: str) -> Estimate | None:
    first, second = (_by_training(rows, name, of, decoding) for name in (one, other))
    shared = sorted(first.keys() & second.keys())
    draws = {draw for draw, _ in shared}
    parts: dict[int, list[tuple[int, int]]] = {}
    for draw, seed in shared:
        parts.setdefault(draw if len(draws) > 1 else seed, []).append((draw, seed))
    one_side, other_side = (
        [_added([side[key] for key in parts[part]]) for part in sorted(parts)] for side in (first, second)
    )
    trained = {row.record.get("draw") or 0: row.record.get("training_speakers") for row in rows}
    return ratio(one_side, other_side, [trained.get(part) for part in sorted(parts)])


def _by_training(rows: Sequence[Row], name: str, of: str, decoding: str) -> dict[tuple[int, int], Counts]:
    found: dict[tuple[int, int], Counts] = {}
    for row in rows:
        if row.record["name"] == name and row.has_finished and (counts := row.counts(of, decoding)):
            lives_in = row.record.get("population")
            named = {f"{lives_in} · {who}" if lives_in else who: count for who, count in counts.items()}
            found[row.record.get("draw") or 0, row.record.get("seed") or 0] = named
    return found


def _added(parts: Sequence[Counts]) -> Counts:
    names = {name for part in parts for name in part}
    sums = {name: [part.get(name, (0, 0)) for part in parts] for name in names}
    return {name: (sum(e for e, _ in counts), sum(w for _, w in counts)) for name, counts in sums.items()}


def _agrees(cell: str, found: Estimate | None) -> bool:
    told = CELL.fullmatch(cell.strip())
    if found is None or told is None:
        return found is None and cell.strip() in ("", "–")
    value = told["value"]
    low, high = (value, value) if told["alike"] else (told["low"], told["high"])
    return all(map(_rounds_to, (value, low, high), (found.value, found.low, found.high)))


def _rounds_to(text: str | None, value: float | None) -> bool:
    """Return whether a number is what a text shows of it; above 10 two digits after the point are not shown."""
    if text is None or value is None:
        return text is None and value is None
    if text == "> 100":
        return value > 99.4
    unit = 10.0 ** -len(text.partition(".")[2])
    return abs(float(text) - value) <= HALF_A_DIGIT * unit


def _told(found: Estimate | None) -> str:
    if found is None:
        return "no ratio"
    ends = "" if found.low is None or found.high is None else f" ({found.low:.4g}–{found.high:.4g})"
    return f"{found.value:.4g}{ends}"
