"""All checks over a run folder, and what they found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.verification.checks.draws import check_draws
from fedasr.verification.checks.epsilons import check_epsilons
from fedasr.verification.checks.hashes import check_hashes
from fedasr.verification.checks.pairs import check_pairs
from fedasr.verification.checks.pasts import check_pasts
from fedasr.verification.checks.payments import check_payments
from fedasr.verification.checks.plans import check_plans, check_targets
from fedasr.verification.checks.rates import check_rates
from fedasr.verification.checks.releases import check_mark, check_releases
from fedasr.verification.checks.rows import check_rows
from fedasr.verification.checks.spoken import check_spoken
from fedasr.verification.checks.sums import check_sums
from fedasr.verification.evidence import EXPERIMENT, SUMMARY, Folder, Row, RunEvidence, UnreadableError
from fedasr.verification.findings import Finding, wrong

OfARun = Callable[[RunEvidence], Iterator[Finding]]
OF_A_RUN: tuple[OfARun, ...] = (check_rows, check_spoken, check_pairs, check_targets)
OF_SEVERAL_DRAWS: tuple[OfARun, ...] = (check_draws, check_pairs)
OF_A_ROW: tuple[Callable[[Row], Iterator[Finding]], ...] = (
    check_sums, check_rates, check_hashes, check_releases, check_mark, check_pasts, check_epsilons, check_plans,
    check_payments,
)  # fmt: skip


@dataclass(frozen=True)
class Verified:
    """What was found in a run folder.

    Attributes
    ----------
    run : RunEvidence
    findings : tuple of Finding
    """

    run: RunEvidence
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> list[Finding]:
        """What differs."""
        return wrong(self.findings)

    @property
    def unknown(self) -> list[Finding]:
        """What the folder does not tell."""
        return [found for found in self.findings if found.holds is None]

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """How many figures each check computed again, and how many of them differ."""
        all_, differ = (
            Counter(f.check for f in self.findings if f.holds is not None),
            Counter(f.check for f in self.wrong),
        )
        return {check: (count, differ[check]) for check, count in all_.items()}


def verify(folder: Path) -> Verified:
    """Compute again what a run folder says.

    Raises
    ------
    UserError
        Where it is no run folder.
    """
    if not (folder / SUMMARY).is_file() or not (folder / EXPERIMENT).is_file():
        raise UserError(f"{folder}: not a run folder (it has no {SUMMARY} or no {EXPERIMENT}); name one that has ended")
    run = RunEvidence(Folder(folder))
    return Verified(run, tuple(_all_of(run)))


def _all_of(run: RunEvidence) -> Iterator[Finding]:
    draws = run.draws()
    for draw in draws:
        yield from _all_of(draw)
    for check in OF_SEVERAL_DRAWS if draws else OF_A_RUN:
        yield from _told(check.__name__, run.folder, check(run))
    for row in () if draws else run.rows:
        for check_row in OF_A_ROW if row.has_finished else ():
            yield from _told(check_row.__name__, row.folder, check_row(row))


def _told(name: str, folder: Folder, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings; what cannot be read, or is not of its form, differs from what was written."""
    check = name.removeprefix("check_")
    try:
        yield from findings
    except UnreadableError as error:
        yield Finding(check, error.file, "the file", "a run's", error.reason, False)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        yield Finding(check, folder.place or ".", "form", "a run's", f"{type(error).__name__}: {error}", False)
