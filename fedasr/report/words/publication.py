"""What is said of rows that promise nothing, where others do."""

from __future__ import annotations

from fedasr.report.words.units import listing
from fedasr.runs.data import RunData
from fedasr.runs.publication.standing import names, withheld


def without_promise(data: RunData, release: bool = False) -> str:
    """Return which rows make the ε of the whole page infinite, or are left out for that; empty where there is none.

    Parameters
    ----------
    data : RunData
        With all its rows.
    release : bool
        Whether the page is the one that leaves them out.
    """
    rows = withheld(data)
    if not rows:
        return ""
    if release:
        return f"Left out, with all that was made of them: {_which(data)}."
    return f"As a whole this page promises nothing (ε = ∞): {_which(data)}. With --release it is written without them."


def _which(data: RunData) -> str:
    """Return the rows by why no ε holds for them."""
    parts = []
    if heard := [row for row in withheld(data) if row.private_speech]:
        parts.append(f"{listing(names(heard, data))} learnt from the silos’ speech without a promise that holds")
    if untold := [row for row in withheld(data) if not row.private_speech]:
        parts.append(f"of {listing(names(untold, data))} nobody can tell what speech had a part in it")
    return "; ".join(parts)
