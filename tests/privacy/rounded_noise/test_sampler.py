"""Every decision of the sampler is that of real numbers, however near they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2, laplace, norm
from support.draws import examples

from fedasr.privacy.noise import ReproducibleNoise
from fedasr.privacy.rounded_noise.cells import LAST, TRIAL_BITS, WIDTH, WIDTH_BITS, WORD_BITS, cells_of
from fedasr.privacy.rounded_noise.sampler import FINE_BITS, MOST_PLACES, Places, _accepted, _choose_cells, rounded
from fedasr.privacy.rounded_noise.shapes import Gaussian, Laplace, Shape

SHAPES = [Gaussian(), Laplace()]
LONG = 512


@dataclass
class Told:
    """Gives the words it was told, then zeros."""

    left: list[int] = field(default_factory=list)

    def __call__(self, count: int) -> NDArray[np.uint64]:
        given, self.left = self.left[:count], self.left[count:]
        return np.array(given + [0] * (count - len(given)), np.uint64)


def _words(bits: int, known: int) -> list[int]:
    """Return a number of so many bits as words of 64, the first first."""
    short = -known % 64
    padded = bits << short
    return [padded >> 64 * place & 2**64 - 1 for place in reversed(range((known + short) // 64))]


def _fall(shape: Shape, cell: int, beyond: mpmath.mpf) -> mpmath.mpf:
    near = mpmath.mpf(cell) * WIDTH
    return ((near + beyond) ** 2 - near**2) / 2 if shape == Gaussian() else beyond


@examples(150)
@given(
    shape=st.sampled_from(SHAPES), cell=st.integers(0, 200) | st.integers(0, 20_000), place=st.integers(0, 2**LONG - 1),
    apart=st.integers(-(2**40), 2**40), depth=st.integers(20, LONG - 60), extra=st.sampled_from([0, 17]),
)  # fmt: skip
def test_a_trial_is_accepted_where_the_real_number_is_below_the_real_density(
    shape: Shape, cell: int, place: int, apart: int, depth: int, extra: int
) -> None:
    """The trial differs from the density by a few units of its `depth`-th bit."""
    with mpmath.workprec(3 * LONG):
        density = mpmath.exp(-_fall(shape, cell, mpmath.mpf(place) / 2**LONG * WIDTH))
        trial = min(max(int(density * 2**LONG) + apart * 2 ** max(LONG - depth - 40, 0), 0), 2**LONG - 1)
        expected = trial < density * 2**LONG
    first = FINE_BITS + extra
    found = Places(
        np.array([cell]), np.array([place >> LONG - FINE_BITS], np.uint64),
        np.array([(place >> LONG - first) & (1 << extra) - 1], np.uint64),
        np.array([trial >> LONG - TRIAL_BITS], np.uint64), extra,
    )  # fmt: skip
    more = [
        _words(bits & (1 << LONG - known) - 1, LONG - known) for bits, known in ((place, first), (trial, TRIAL_BITS))
    ]
    together = [word for pair in zip(*more, strict=False) for word in pair]
    assert _accepted(shape, found, np.array([0]), Told(together))[0] == expected


@examples(60)
@given(shape=st.sampled_from(SHAPES), cell=st.integers(1, 140), apart=st.integers(-3, 3), depth=st.integers(63, 250))
def test_a_number_at_an_edge_falls_to_the_side_on_which_it_lies(
    shape: Shape, cell: int, apart: int, depth: int
) -> None:
    with mpmath.workprec(3 * LONG):
        edge = cells_of(shape).shape.within(mpmath.mpf(cell) * WIDTH, mpmath.mp)
        bits = int(edge * 2**LONG) + apart * 2 ** (LONG - depth)
        expected = cell if bits > edge * 2**LONG else cell - 1
    assert _cell(shape, bits) == expected


def _cell(shape: Shape, bits: int) -> int:
    """Return the cell that a number of `LONG` bits chooses."""
    first = bits >> LONG - WORD_BITS
    cells, key = cells_of(shape), first >> WORD_BITS - 16
    if (named := int(cells.guide[key])) < len(cells.edges):
        return named
    rest = (first & (1 << 47) - 1) << 17
    later = _words(bits & (1 << LONG - WORD_BITS) - 1, LONG - WORD_BITS)
    one, none = np.zeros(1, np.uint64), np.zeros(1, np.uint64)
    found = Places(np.array([len(cells.edges)]), one, none, none, 0)
    _choose_cells(cells, found, np.array([key << 48], np.uint64), Told([rest, *later]))
    return int(found.cell[0])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_words_of_each_cell_are_as_many_as_its_exact_probability_says(shape: Shape) -> None:
    """Cells change nowhere but at their edges: at the words before and after each, and the tail goes on beyond them."""
    edges = cells_of(shape).edges.tolist()
    tail = 1 << LONG - WORD_BITS
    for cell in range(1, len(edges) - 1):
        if edges[cell] - edges[cell - 1] > 2 and edges[cell + 1] - edges[cell] > 2:
            assert _cell(shape, (edges[cell] - 1) * tail + tail - 1) == cell - 1
            assert _cell(shape, (edges[cell] + 1) * tail) == cell
    assert _cell(shape, 0) == 0
    with mpmath.workprec(3 * LONG):
        far = 2**LONG - 1
        reach = _cell(shape, far)
        outside = [1 - shape.within(mpmath.mpf(j) * WIDTH, mpmath.mp) for j in (reach, reach + 1)]
        assert outside[1] * 2**LONG <= 1 <= outside[0] * 2**LONG


def test_the_last_cell_has_all_that_lies_beyond() -> None:
    with mpmath.workprec(5000):
        assert 1 - Laplace().within(mpmath.mpf(LAST) * WIDTH, mpmath.mp) < mpmath.mpf(2) ** -2900
    assert (LAST + 1) * WIDTH * 2**MOST_PLACES < 2**53.001


@pytest.mark.parametrize(("shape", "law"), [(Gaussian(), norm), (Laplace(), laplace)])
@pytest.mark.parametrize("places", [-1, 0, 2, 3, 9, 25, 26, 33, MOST_PLACES])
def test_grid_cells_come_as_often_as_they_should(shape: Shape, law: norm, places: int) -> None:
    """Two to the tenth of a scale and coarser by their counts; what is finer by its last bits, which are fair coins."""
    count = 200_000
    drawn = rounded(shape, count, places, ReproducibleNoise(places + 7).words)
    coarse = min(places, 3)
    ends = (np.arange(-24, 24) + 0.5) * 2.0**-coarse
    inside = np.diff(law.cdf(ends)) * count
    seen = np.histogram(drawn * 2.0**-places, ends)[0]
    kept = inside > 10
    assert ((seen - inside)[kept] ** 2 / inside[kept]).sum() < chi2.isf(1e-7, kept.sum())
    if places > 20:
        for bit in range(places - 8):
            assert abs(np.mean(drawn >> bit & 1) - 0.5) < 6 * 0.5 / np.sqrt(count)


def test_noise_that_a_grid_is_coarser_than_is_none() -> None:
    assert not rounded(Gaussian(), 50_000, -30, ReproducibleNoise(1).words).any()
    assert len(rounded(Gaussian(), 0, 3, ReproducibleNoise(1).words)) == 0
    with pytest.raises(ValueError, match="42 at most"):
        rounded(Gaussian(), 1, MOST_PLACES + 1, ReproducibleNoise(1).words)


@pytest.mark.parametrize("word", [0, 2**64 - 1, 2**47, 2**48 - 1, 2**25, *(k << 48 for k in (1, 32_768, 65_535))])
def test_extreme_words_are_drawn_on_from(word: int) -> None:
    """A whole word of zeros or ones leaves the cell open; the words after it decide."""
    first: Sequence[int] = [word, 2**62 + 12_345, 2**61 + 99, 2**63 + 5]
    found = rounded(Gaussian(), 1, 20, Told(list(first)))
    assert abs(int(found[0])) <= 40 << 20
    assert WIDTH_BITS + FINE_BITS == 26
