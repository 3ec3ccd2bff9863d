"""The tables against mpmath, cell by cell."""

import mpmath
import numpy as np
import pytest

from fedasr.privacy.rounded_noise.cells import KEY_BITS, TRIAL_BITS, WIDTH, WORD_BITS, cells_of, edge_bits
from fedasr.privacy.rounded_noise.shapes import Gaussian, Laplace, Shape

SHAPES = [Gaussian(), Laplace()]


def _below(shape: Shape, bound: mpmath.mpf) -> mpmath.mpf:
    """Return the chance that |Z| lies below a bound by integrating the density, not by the shape's own formula."""
    density = (
        (lambda x: mpmath.exp(-(x**2) / 2) * mpmath.sqrt(2 / mpmath.pi))
        if shape == Gaussian()
        else (lambda x: mpmath.exp(-x))
    )
    return mpmath.quad(density, mpmath.linspace(0, bound, 1 + max(1, int(mpmath.ceil(bound)))))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_edge_is_the_distribution_function_rounded_down(shape: Shape) -> None:
    edges = cells_of(shape).edges.tolist()
    with mpmath.workdps(40):
        for cell in range(0, len(edges), 1 if shape == Gaussian() else 9):
            assert 0 <= _below(shape, mpmath.mpf(cell) * WIDTH) * 2**WORD_BITS - edges[cell] < 1
    assert edges[-1] == 2**WORD_BITS - 1, "what lies beyond is decided by more bits"


@pytest.mark.parametrize("shape", SHAPES)
def test_more_bits_of_an_edge_begin_with_the_fewer(shape: Shape) -> None:
    real = mpmath.MPContext()
    for cell in (1, 17, 130, 2000):
        long = edge_bits(shape, cell, 700, real)
        assert [long >> 700 - bits for bits in (63, 127, 500)] == [
            edge_bits(shape, cell, bits, real) for bits in (63, 127, 500)
        ]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_key_names_a_cell_only_where_no_edge_is_among_its_words(shape: Shape) -> None:
    cells = cells_of(shape)
    first = np.arange(1 << KEY_BITS) << (WORD_BITS - KEY_BITS)
    last = first + (1 << WORD_BITS - KEY_BITS) - 1
    low, high = (np.searchsorted(cells.edges, words, side="right") - 1 for words in (first, last))
    named = cells.guide < len(cells.edges)
    assert (low == high)[named].all()
    assert (cells.guide == low)[named].all()
    assert not np.isin(first[named], cells.edges).any(), "a word that is an edge's own is decided by more bits"
    assert named.mean() > 0.98


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_surely_accepted_lies_below_the_density_everywhere_in_the_cell(shape: Shape) -> None:
    cells = cells_of(shape)
    with mpmath.workdps(40):
        for cell in range(len(cells.edges)):
            near, end = mpmath.mpf(cell) * WIDTH, mpmath.mpf(cell + 1) * WIDTH
            least = mpmath.exp((near**2 - end**2) / 2 if shape == Gaussian() else near - end)
            assert int(cells.sure[cell]) <= least * 2**TRIAL_BITS
    assert cells.sure[-1] == 0
