"""Noise on the sum of the silos' clipped changes (McMahan et al. 2018, arXiv 1710.06963), sized for a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedasr.common.errors import RowError
from fedasr.common.files import Arrays
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.noise import Noise
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.boundary import Boundary
from fedasr.protection.clipping.bounds import NO_LAYERS
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.trust import Trust

TRUST = Trust(
    "the server is trusted with each silo's change and with who took part; who sees the models alone, those of all "
    "rounds, is guarded against"
)


@dataclass(frozen=True)
class SiloNoisePlan(Boundary):
    """The rounds that a strategy is driven through, and what they promise.

    Guarantee. Unit: the silo. Each round every silo joins by an independent coin of probability ``rate`` (Poisson
    sampling is assumed by the accountant and is what `cohort` does); its whole reply, the change of all arrays
    together as the server decodes them, is scaled to a norm of at most C = ``clip_norm``, or each array l to at most
    C_l, √ΣC_l² = C (``layer_bounds``: public, of the arrays' sizes alone), and put on a public grid, rounded towards
    zero, the norm of all together checked in whole numbers; the sum, of whole numbers, is exact. Gaussian noise of
    standard deviation z·C, z = ``noise_multiplier``, is added once to it, rounded to the grid and drawn exactly. That
    is the output of a `SampledGaussian` of real numbers, rounded (`fedasr.privacy.noise_grid`); it is composed over
    the rounds. What a strategy does with the sum afterwards (division by the *expected* cohort, momentum, Adam,
    averages of iterates) costs nothing. It holds where the noise is secure, with the number of silos taken as public,
    against all but the server: the server is trusted with each silo's change, and with who came.

    What silos keep (an optimizer's moments, a codec's residual) does not weaken it. Let the coins of all other silos be
    known: what they add then depends on what was published alone. A silo's own state depends on its speech, its own
    coins and what was published, so that given all that each round is a mixture, over the silo's earlier coins, of
    rounds bounded by C; the divergence of mixtures is at most the largest of their parts
    (joint convexity), and the rounds compose as if nothing was kept. For this what is *delivered* is clipped, not what
    was encoded.

    =======================  ====================================================================================
    z = 0                    ε is infinite and not printed: nothing is promised
    C infinite               refused, unless z = 0
    rate 1                   all that a strategy addresses: no amplification; under replace-one they may be a part
                             of the silos that the strategy drew itself, and the sum is divided by their number
    rate below 1             a strategy that addresses a part is refused: what it draws amplifies nothing
    add-remove               the same: who is addressed would depend on who is there
    nobody drawn             noise alone is published, and charged as any round
    a reply is not finite    the silo is refused and counts as not in the cohort
    a silo fails             the same; who was in the cohort is the simulator's to know
    rate no 64-bit fraction  a coin is rounded down: a silo joins with at most the rate that is accounted for
    noise beyond 2,048 z·C   cannot come: a mass below 2⁻²⁹⁰⁰
    =======================  ====================================================================================

    Parameters
    ----------
    noise_multiplier, clip_norm : float
    rate : float
        The probability that a silo takes part in a round.
    delta : float
    adjacency : str
    rounds : int
    layer_bounds : str
        How C is divided among arrays (`fedasr.protection.clipping.bounds.Bounds.divided`). The noise on every value
        has the same deviation z·C, and what is promised is the same.
    """

    noise_multiplier: float
    clip_norm: float
    rate: float
    delta: float
    adjacency: Adjacency
    rounds: int
    layer_bounds: str = NO_LAYERS

    @property
    def mechanism(self) -> SampledGaussian:
        """One round, as accountants take it."""
        return SampledGaussian(self.noise_multiplier, self.clip_norm, self.rate)

    @property
    def guarantee(self) -> Guarantee:
        """All rounds."""
        sampling = ("poisson", "poisson")
        return Guarantee("silo", self.adjacency, self.delta, sampling, self.mechanism, self.rounds, TRUST)

    def cohort(self, silos: Sequence[int], noise: Noise) -> list[int]:
        """Toss a coin for each silo."""
        joins = noise.coins(len(silos), self.rate)
        return [silo for silo, is_in in zip(silos, joins, strict=True) if is_in]

    def grid(self, values: int, silos: int) -> NoiseGrid | None:
        """Return a grid so fine that rounding a change to it loses a thousandth of the clip at most."""
        if self.noise_multiplier == 0:
            return None
        return NoiseGrid.fine_enough(self.noise_multiplier * self.clip_norm, self.clip_norm, values, silos)

    def released(self, total: Arrays, grid: NoiseGrid | None, noise: Noise) -> Arrays:
        """Add the noise in whole steps, array after array in their order."""
        if grid is None:
            return dict(total)
        return {name: grid.noisy(array, noise) for name, array in total.items()}

    def divisor(self, addressed: int) -> float:
        """Return the expected cohort."""
        return self.rate * addressed

    def check(self, addressed: int, silos: int) -> None:
        """Refuse a strategy that draws silos itself, where that is not accounted for."""
        if addressed == silos or (self.rate == 1 and self.adjacency == "replace-one"):
            return
        raise RowError(
            f"the strategy draws {addressed} of {silos} silos itself, which amplifies nothing: it is charged at rate "
            "1, with adjacency = 'replace-one' and training.silos_per_round = 0; set these, or let it address all"
        )
