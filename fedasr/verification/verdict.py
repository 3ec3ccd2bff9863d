"""All checks over a run folder, and what they found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.verification.checks.draws import check_draws
from fedasr.verification.checks.hashes import check_hashes
from fedasr.verification.checks.pairs import check_pairs
from fedasr.verification.checks.promises.epsilons import check_epsilons
from fedasr.verification.checks.promises.noises import check_noises
from fedasr.verification.checks.promises.pasts import check_pasts
from fedasr.verification.checks.promises.payments import check_payments
from fedasr.verification.checks.promises.plans import check_plans, check_targets
from fedasr.verification.checks.promises.published import check_published
from fedasr.verification.checks.promises.releases import check_mark, check_releases
from fedasr.verification.checks.promises.trusts import check_trusts
from fedasr.verification.checks.rates import check_rates
from fedasr.verification.checks.rows import check_rows
from fedasr.verification.checks.spoken import check_spoken
from fedasr.verification.checks.sums import check_sums
from fedasr.verification.evidence import EXPERIMENT, SUMMARY, Folder, RunEvidence, UnreadableError
from fedasr.verification.findings import Finding, wrong

Checks = Mapping[str, Callable[[Any], Iterator[Finding]]]
"""By the name that their findings carry."""
OF_A_RUN: Checks = {
    "rows": check_rows, "speech": check_spoken, "paired intervals": check_pairs, "plan": check_targets,
    "together": check_published,
}  # fmt: skip
OF_SEVERAL_DRAWS: Checks = {"rows": check_draws, "paired intervals": check_pairs, "together": check_published}
OF_A_ROW: Checks = {
    "bytes": check_sums, "word errors": check_rates, "weights": check_hashes, "releases": check_releases,
    "checkpoint": check_mark, "provenance": check_pasts, "epsilon": check_epsilons, "plan": check_plans,
    "noise": check_noises,
    "payments": check_payments, "trust": check_trusts,
}  # fmt: skip


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
        Where it is no run folder, or nobody can read what it says of its rows.
    """
    if not (folder / SUMMARY).is_file() or not (folder / EXPERIMENT).is_file():
        raise UserError(f"{folder}: not a run folder (it has no {SUMMARY} or no {EXPERIMENT}); name one that has ended")
    run = RunEvidence(Folder(folder))
    try:
        _ = run.rows, run.experiment, run.summary["version"]
    except UnreadableError as error:
        raise UserError(f"{folder}: not a run folder ({error}); put it back as it was") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / SUMMARY}: not the summary of a run ({error!r}); put it back as it was") from error
    return Verified(run, tuple(_all_of(run)))


def _all_of(run: RunEvidence) -> Iterator[Finding]:
    draws = run.draws()
    for draw in draws:
        yield from _all_of(draw)
    for name, check in (OF_SEVERAL_DRAWS if draws else OF_A_RUN).items():
        yield from _told(name, run.folder, check(run))
    for row in () if draws else run.rows:
        for name, check in OF_A_ROW.items() if row.has_finished else ():
            yield from _told(name, row.folder, check(row))


def _told(check: str, folder: Folder, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings; what cannot be read, or is not of its form, differs from what was written."""
    try:
        yield from findings
    except UnreadableError as error:
        yield Finding(check, error.file, "the file", "a run's", error.reason, False)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        yield Finding(check, folder.place or ".", "form", "a run's", f"{type(error).__name__}: {error}", False)
