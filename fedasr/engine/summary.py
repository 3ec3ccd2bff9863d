"""What the summary says of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedasr.protection.releases import Releases

if TYPE_CHECKING:
    pass


def promise(releases: Releases) -> dict[str, Any]:
    """Return what the summary says of a row's guarantee: nothing where nothing is promised."""
    found = releases.summary()
    if found is None or found.epsilon is None or not np.isfinite(found.epsilon):
        return {}
    return {
        "epsilon": found.epsilon, "delta": found.delta, "privacy_unit": releases.unit,
        "adjacency": releases.adjacency, "epsilon_kind": found.kind,
    }  # fmt: skip
