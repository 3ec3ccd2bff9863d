"""Votes: reading them, and what a set of them costs at every order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.bounds import summed
from fedasr.privacy.accounting.conversion import ORDERS, Curve
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax
from fedasr.privacy.mechanisms.noisy_max import NoisyMax, Votes

Voting = NoisyMax | ConfidentGNMax


@dataclass(frozen=True)
class Spent:
    """The divergence of a set of votes at each order.

    Attributes
    ----------
    data_independent : ndarray
    data_dependent : ndarray or None
        Itself private, and in one direction only: from these votes to any neighbour, for queries fixed in advance.
        None under add-remove, for which no such bound is published.
    """

    data_independent: Curve
    data_dependent: Curve | None

    def __add__(self, other: Spent) -> Spent:
        both = self.data_dependent is not None and other.data_dependent is not None
        return Spent(
            self.data_independent + other.data_independent,
            self.data_dependent + other.data_dependent if both else None,  # type: ignore[operator]
        )


@dataclass(frozen=True)
class VotesSpent:
    """What votes cost: ``answers`` and ``checks`` are the parts of ``total``.

    Attributes
    ----------
    answers : Spent
        An answer to every query.
    checks : Spent or None
        The threshold checks, for Confident-GNMax.
    expected_answered : float
        How many queries pass their check on average. Itself private: it depends on the votes.
    """

    answers: Spent
    checks: Spent | None
    expected_answered: float

    @property
    def total(self) -> Spent:
        """The checks and an answer to every query, whether it is given or not.

        Charging an answer with the chance that it is given would count the votes, which are private, and would bound
        nothing: divergences do not average.
        """
        return self.answers if self.checks is None else self.checks + self.answers


def spent_on(mechanism: Voting, votes_VC: Votes, adjacency: Adjacency, orders: Curve = ORDERS) -> VotesSpent:
    """Return what answering all rows of votes costs; streams, so 10⁵ and more rows are no burden."""
    if isinstance(mechanism, NoisyMax):
        return VotesSpent(_answers(mechanism, votes_VC, adjacency, orders), None, float(len(votes_VC)))
    largest = votes_VC.max(axis=1).astype(np.float64)
    return VotesSpent(
        _answers(mechanism.answerer, votes_VC, adjacency, orders), _checks(mechanism, largest, adjacency, orders),
        float(np.exp(mechanism.check.log_passing(largest)).sum()),
    )  # fmt: skip


def _answers(mechanism: NoisyMax, votes_VC: Votes, adjacency: Adjacency, orders: Curve) -> Spent:
    independent = len(votes_VC) * mechanism.rdp(orders, adjacency) if len(votes_VC) else orders * 0.0
    if adjacency != "replace-one":
        return Spent(independent, None)
    dependent = summed(lambda values: mechanism.bound(values, orders), mechanism.log_q(votes_VC))
    return Spent(independent, np.minimum(dependent, independent))


def _checks(mechanism: ConfidentGNMax, largest: Curve, adjacency: Adjacency, orders: Curve) -> Spent:
    check = mechanism.check
    independent = len(largest) * check.rdp(orders, adjacency)
    if adjacency != "replace-one":
        return Spent(independent, None)
    dependent = summed(lambda values: check.bound(values, orders), check.log_q(largest))
    return Spent(independent, np.minimum(dependent, independent))


MOST_TEACHERS = 2**31 - 1
"""More are not counted: their histograms fit in 32 bits."""


def load_votes(path: Path) -> NDArray[np.integer]:
    """Read an integer array of votes (queries, classes) from a ``.npy`` file; never unpickles."""
    try:
        votes = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give an integer array (votes, classes) written by numpy.save") from None
    except (OSError, ValueError, EOFError):
        raise UserError(
            f"{path}: not a .npy file of numbers; write the votes, an integer array (votes, classes), with numpy.save"
        ) from None
    return checked_votes(votes, str(path))


def checked_votes(votes: object, name: str = "votes") -> NDArray[np.integer]:
    """Return the votes if they are what the accountants can read, else say what is wrong."""
    if not isinstance(votes, np.ndarray):
        raise UserError(f"{name}: is an archive of arrays; write one array with numpy.save")
    if votes.ndim != 2 or 0 in votes.shape:
        raise UserError(f"{name}: has the shape {votes.shape}; must be (votes, classes), at least one of each")
    if not np.issubdtype(votes.dtype, np.integer):
        raise UserError(f"{name}: holds {votes.dtype}; must hold integers, the number of teachers for each class")
    if votes.min() < 0:
        row = int(np.argmax((votes < 0).any(axis=1)))
        raise UserError(f"{name}: row {row} holds a negative number; must hold the number of teachers for each class")
    voters = votes.sum(axis=1, dtype=np.float64)
    if voters.min() != voters.max():
        span = f"{voters.min():,.0f} to {voters.max():,.0f}"
        raise UserError(
            f"{name}: its rows have unlike sums ({span}): is this (votes, classes)? Each row must hold how many "
            "teachers chose each class, and all teachers vote in each"
        )
    if not 1 <= voters[0] <= MOST_TEACHERS:
        raise UserError(f"{name}: its rows sum to {voters[0]:,.0f} teachers; must be 1 to {MOST_TEACHERS:,}")
    if np.issubdtype(votes.dtype, np.unsignedinteger) or votes.dtype.itemsize < 4:
        return votes.astype(np.int32)
    return votes
