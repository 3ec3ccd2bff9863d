"""What was released under a guarantee, and what the votes were, as rows of tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fedasr.report.tables.comparison import UNKNOWN, Cell
from fedasr.report.words.groups import groups
from fedasr.report.words.units import at_least_text, epsilon_text, percent
from fedasr.runs.data import RowData, RunData
from fedasr.runs.privacy_data import MechanismData, PrivacyData, ReleaseData, VotesData
from fedasr.runs.row_summary import GUARANTEES, VOID

LEDGER_HEADINGS = (
    "row", "mechanism", "its numbers", "unit, adjacency", "noise, sampling", "releases", "count", "ε promised",
    "ε spent", "δ",
)  # fmt: skip
VOTE_HEADINGS = (
    "row", "mechanism", "its noise", "votes", "transcribed / asked", "abstentions", "label error %", "agreement %",
)  # fmt: skip
BOUNDS = {
    "exact": "exact composition", "pld": "privacy-loss distributions", "pure": "pure ε", "rdp": "Rényi divergences",
}  # fmt: skip
"""The proven bounds, in words."""
_SIGNS = {
    "sigma": "σ", "scale": "λ", "sigma_threshold": "σ of the check", "noise_multiplier": "z", "clip_norm": "C",
    "clip_unit": "in units of a step's",
}  # fmt: skip
_USUAL = (("largest_weight", 1.0),)
_NOISE = ("sigma", "scale", "threshold", "sigma_threshold", "noise_multiplier")


@dataclass(frozen=True)
class Entry:
    """Releases of one row by one mechanism under one promise, taken together."""

    release: ReleaseData
    releases: int


def aggregated(privacy: PrivacyData) -> list[Entry]:
    """Return a ledger with its like releases (all but the count alike) taken together, in order."""
    found: dict[ReleaseData, list[ReleaseData]] = {}
    for release in privacy.ledger:
        found.setdefault(replace(release, count=None), []).append(release)
    return [Entry(replace(like, count=_total(releases)), len(releases)) for like, releases in found.items()]


def _total(releases: list[ReleaseData]) -> int | None:
    counts = [release.count for release in releases if release.count is not None]
    return sum(counts) if len(counts) == len(releases) else None


def ledger_rows(data: RunData) -> list[tuple[Cell, ...]]:
    """Return a line for each entry of each row's ledger, the row's ε in the first, ordered as `LEDGER_HEADINGS`."""
    lines: list[tuple[Cell, ...]] = []
    for name, row in _named(data):
        if row.privacy:
            promise = _promised(row.privacy)
            for entry in aggregated(row.privacy):
                lines.append((Cell(name), *_entry(entry), *promise))
                name, promise = "", (Cell(""),) * 3
    return lines


def vote_rows(data: RunData) -> list[tuple[Cell, ...]]:
    """Return a line for each row whose teachers voted, in the order of `VOTE_HEADINGS`."""
    return [(Cell(name), *_votes(votes)) for name, row in _named(data) if (votes := row.votes)]


def _named(data: RunData) -> Iterator[tuple[str, RowData]]:
    """Each row and seed, the seed said where there are several."""
    for group in groups(data):
        for row in group.rows:
            yield group.name + (f", seed {row.seed}" if len(group.rows) > 1 else ""), row


def _entry(entry: Entry) -> tuple[Cell, ...]:
    release = entry.release
    return (
        Cell(release.mechanism.kind),
        Cell(_numbers(release.mechanism)),
        Cell(release.unit or UNKNOWN, (release.adjacency or "adjacency unknown",)),
        _noise(release),
        Cell(f"{entry.releases:,}"),
        Cell(_count(release.count)),
    )


def _noise(release: ReleaseData) -> Cell:
    used, assumed = release.sampling_used or UNKNOWN, release.sampling_assumed or UNKNOWN
    sampling = f"sampling {used}" if used == assumed else f"sampling {used}, accounted as {assumed}"
    again = ["can be drawn again"] if release.noise not in ("secure", None) else []
    return Cell(release.noise or UNKNOWN, (*again, sampling))


def _promised(privacy: PrivacyData) -> tuple[Cell, ...]:
    """ε as promised, with its bound and kind, and as spent; no number where there is no guarantee."""
    delta = Cell(UNKNOWN if privacy.delta is None else epsilon_text(privacy.delta))
    if privacy.broken:
        return Cell("no guarantee", (privacy.broken,)), Cell(UNKNOWN), delta
    if privacy.kind is not None and privacy.kind != VOID and privacy.kind not in GUARANTEES:
        return Cell("no guarantee", (privacy.kind, "not sanitised")), Cell(UNKNOWN), delta
    spent = Cell(UNKNOWN if privacy.epsilon_spent is None else epsilon_text(privacy.epsilon_spent))
    return _guarantee(privacy), spent, delta


def _guarantee(privacy: PrivacyData) -> Cell:
    if privacy.kind == VOID:
        secure = privacy.epsilon if privacy.epsilon_if_secure is None else privacy.epsilon_if_secure
        return Cell(VOID if secure is None else f"void ({epsilon_text(secure)})", ("no guarantee",))
    if privacy.epsilon is None:
        return Cell(UNKNOWN)
    confidence = privacy.confidence if privacy.confidence is not None and privacy.confidence < 1 else None
    sure = (f"covers the truth in {at_least_text(100 * confidence, 4)}% of releases",) if confidence else ()
    told = (word for word in (BOUNDS.get(privacy.epsilon_bound or ""), privacy.kind) if word)
    return Cell(epsilon_text(privacy.epsilon), (*told, *sure))


def _votes(votes: VotesData) -> tuple[Cell, ...]:
    asked, transcribed = _count(votes.utterances), _count(votes.transcribed)
    noise = [pair for pair in votes.mechanism.numbers if pair[0] in _NOISE]
    return (
        Cell(votes.mechanism.kind, (f"{votes.teachers:,} teachers",) if votes.teachers else ()),
        Cell(_numbers(replace(votes.mechanism, numbers=tuple(noise)))),
        Cell(_count(votes.votes)),
        Cell(f"{transcribed} / {asked}"),
        Cell(_count(votes.abstained)),
        Cell(UNKNOWN if votes.label_wer is None else percent(votes.label_wer)),
        Cell(UNKNOWN if votes.agreement is None else percent(votes.agreement)),
    )


def _count(count: int | None) -> str:
    return UNKNOWN if count is None else f"{count:,}"


def _numbers(mechanism: MechanismData) -> str:
    """The numbers of a mechanism: noise must not look larger than it was, nor the share that was sampled smaller."""
    told = [pair for pair in mechanism.numbers if pair not in _USUAL]
    return ", ".join(f"{_SIGNS.get(name, name.replace('_', ' '))} {_number(name, value)}" for name, value in told)


def _number(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if value.is_integer():
        return f"{value:,.0f}"
    return epsilon_text(value) if name == "rate" else at_least_text(value, 4)
