"""All mechanisms by the names they carry in commands, experiments and ledgers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedasr.common.errors import UserError, nearest
from fedasr.privacy.mechanisms.allowances import GaussianBudget, PureBudget, RenyiBudget
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax, ThresholdCheck
from fedasr.privacy.mechanisms.gaussian import GaussianSum, NoisyMean, SampledGaussian
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax
from fedasr.privacy.mechanisms.smooth_release import SmoothRelease

KINDS: Mapping[str, type[Mechanism]] = {
    mechanism.kind: mechanism
    for mechanism in (
        GNMax, LNMax, ThresholdCheck, ConfidentGNMax, NoisyMean, GaussianSum, SampledGaussian, SmoothRelease,
        GaussianBudget, PureBudget, RenyiBudget,
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
