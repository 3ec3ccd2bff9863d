"""All rows beside each other: the ratios of their error rates with paired intervals."""

from __future__ import annotations

from dataclasses import dataclass

from fedasr.comparison.intervals import Interval
from fedasr.report.words.groups import Group, groups, paired
from fedasr.report.words.pairs import covered, ratio_text
from fedasr.runs.data import DECODED, GREEDY, NEW_SPEAKERS, NOISY, OWN_SPEAKERS, RunData

MOST = 16
"""With more rows each stands beside the one with the lowest rate alone."""


@dataclass(frozen=True)
class PairCell:
    """The ratio of the row's errors to the column's; `is_decided` where one of the two is called better."""

    text: str
    is_decided: bool = False


@dataclass(frozen=True)
class PairTable:
    """Rows against columns; `of` says on whose speech, `decoding` how it was heard, `note` what the intervals lack."""

    of: str
    decoding: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[PairCell, ...]], ...]
    note: str


def pair_tables(data: RunData, release: bool = False) -> list[PairTable]:
    """Return the paired ratios on new speakers, clean and noisy, and on own ones (not in a release), each decoded."""
    whose = (NEW_SPEAKERS, NOISY) if release else (NEW_SPEAKERS, NOISY, OWN_SPEAKERS)
    wanted = ((of, decoding) for of in whose for decoding in (GREEDY, DECODED))
    return [found for by in wanted if (found := pair_table(data, *by)) is not None]


def pair_table(data: RunData, of: str = NEW_SPEAKERS, decoding: str = GREEDY) -> PairTable | None:
    """Return the paired ratios of a run's rows; None where no two were scored so."""
    scored = [group for group in groups(data) if group.rate(of, decoding) is not None]
    if len(scored) < 2:
        return None
    columns = scored if len(scored) <= MOST else [min(scored, key=lambda group: _wer(group, of, decoding))]
    found = [[None if row is column else paired(row, column, of, decoding) for column in columns] for row in scored]
    known = [one for line in found for one in line if one is not None]
    if not known:
        return None
    rows = tuple(
        (row.name, tuple(_cell(one, row is column) for one, column in zip(line, columns, strict=True)))
        for row, line in zip(scored, found, strict=True)
    )
    return PairTable(of, decoding, tuple(group.name for group in columns), rows, _note(known))


def _cell(found: Interval | None, is_same: bool) -> PairCell:
    if found is None:
        return PairCell("" if is_same else "–")
    return PairCell(ratio_text(found), found.is_decided)


def _note(known: list[Interval]) -> str:
    reason = covered(min(known, key=lambda found: found.trainings))
    return f"{reason[0].upper()}{reason[1:]}." if reason else ""


def _wer(group: Group, of: str, decoding: str) -> float:
    wer = group.rate(of, decoding)
    return 0.0 if wer is None else wer.value
