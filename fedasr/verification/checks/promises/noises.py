"""Noise: a published sum is as long as the noise that was charged makes it, whatever the silos' changes were."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.special import gammainccinv, gammaincinv

from fedasr.verification.evidence import Row
from fedasr.verification.findings import Finding, Scribe

CHECK = "noise"
SUMS = ("sampled-gaussian", "gaussian-sum")
CHANCE = 1e-9
"""With which honest noise is longer, and with which it is shorter, than is let pass."""


def check_noises(row: Row) -> Iterator[Finding]:
    """Compare the length of each sum with that of its noise.

    Noise of deviation zC in d numbers has a length of zC times the root of a χ² of d degrees of freedom; n silos, each
    clipped to C, move that by nC at most. With few numbers, many silos or little noise the two ends are far apart.
    """
    for line in row.ledger:
        mechanism, name = line["mechanism"], f"releases/{line['key'].rpartition('.')[0]}.safetensors"
        if mechanism["kind"] not in SUMS or not name.startswith("releases/round.") or not row.folder.has(name):
            continue
        numbers = [t.array().ravel() for t in row.folder.tensors(name).tensors.values() if t.type.startswith("float")]
        length = float(np.sqrt(sum(float(np.square(part, dtype=np.float64).sum()) for part in numbers)))
        deviation = mechanism["noise_multiplier"] * mechanism["clip_norm"]
        moved, half = row.record["silos"] * mechanism["clip_norm"], sum(map(len, numbers)) / 2
        shortest, longest = (
            deviation * math.sqrt(2 * float(inverse(half, CHANCE))) for inverse in (gammaincinv, gammainccinv)
        )
        scribe = Scribe(CHECK, row.folder.name(name))
        yield scribe.within("length", length, max(shortest - moved, 0.0), longest + moved)
