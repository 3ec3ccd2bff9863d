"""All mechanisms by the names they carry in commands, experiments and ledgers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedasr.errors import UserError, nearest
from fedasr.privacy.confident import ConfidentGNMax, ThresholdCheck
from fedasr.privacy.mechanism import Mechanism
from fedasr.privacy.sanitise import SmoothRelease
from fedasr.privacy.sums import GaussianSum, NoisyMean, SampledGaussian
from fedasr.privacy.voting import GNMax, LNMax

KINDS: Mapping[str, type[Mechanism]] = {
    mechanism.kind: mechanism
    for mechanism in (
        GNMax, LNMax, ThresholdCheck, ConfidentGNMax, NoisyMean, GaussianSum, SampledGaussian, SmoothRelease,
    )
}  # fmt: skip


def mechanism_from(fields: Mapping[str, Any]) -> Mechanism:
    """Return the mechanism whose `Mechanism.fields` these are."""
    kind = str(fields.get("kind"))
    if kind not in KINDS:
        raise UserError(f"mechanism '{kind}' is not known{nearest(kind, KINDS)}")
    try:
        return KINDS[kind](**{name: value for name, value in fields.items() if name != "kind"})
    except TypeError as error:
        raise UserError(f"mechanism '{kind}': {error}") from None
