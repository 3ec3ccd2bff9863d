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
        Itself private. None under add-remove, for which no such bound is published.
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
    """What votes cost: ``total`` is what they are charged, the others are its parts.

    Attributes
    ----------
    answers : Spent
        The answers, as if every query were answered.
    checks : Spent or None
        The threshold checks alone, for Confident-GNMax.
    total : Spent
        The checks always and each answer with its probability.
    expected_answered : float
    """

    answers: Spent
    checks: Spent | None
    total: Spent
    expected_answered: float


def spent_on(mechanism: Voting, votes_VC: Votes, adjacency: Adjacency, orders: Curve = ORDERS) -> VotesSpent:
    """Return what answering all rows of votes costs; streams, so 10⁵ and more rows are no burden."""
    if isinstance(mechanism, NoisyMax):
        answers = _answers(mechanism, votes_VC, adjacency, orders, None)
        return VotesSpent(answers, None, answers, float(len(votes_VC)))
    largest = votes_VC.max(axis=1).astype(np.float64)
    passing = np.exp(mechanism.check.log_passing(largest))
    checks = _checks(mechanism, largest, adjacency, orders)
    log_q = mechanism.answerer.log_q(votes_VC)
    answers = _answers(mechanism.answerer, votes_VC, adjacency, orders, None, log_q)
    charged = _answers(mechanism.answerer, votes_VC, adjacency, orders, passing, log_q)
    return VotesSpent(answers, checks, checks + charged, float(passing.sum()))


def _answers(
    mechanism: NoisyMax, votes_VC: Votes, adjacency: Adjacency, orders: Curve, weights: Curve | None,
    log_q: Curve | None = None,
) -> Spent:  # fmt: skip
    count = float(len(votes_VC)) if weights is None else float(weights.sum())
    independent = count * mechanism.rdp(orders, adjacency) if count else orders * 0.0
    if adjacency != "replace-one":
        return Spent(independent, None)
    log_q = mechanism.log_q(votes_VC) if log_q is None else log_q
    dependent = summed(lambda values: mechanism.bound(values, orders), log_q, weights)
    return Spent(independent, np.minimum(dependent, independent))


def _checks(mechanism: ConfidentGNMax, largest: Curve, adjacency: Adjacency, orders: Curve) -> Spent:
    check = mechanism.check
    independent = len(largest) * check.rdp(orders, adjacency)
    if adjacency != "replace-one":
        return Spent(independent, None)
    dependent = summed(lambda values: check.bound(values, orders), check.log_q(largest))
    return Spent(independent, np.minimum(dependent, independent))


def load_votes(path: Path) -> NDArray[np.integer]:
    """Read an integer array of votes (queries, classes) from a ``.npy`` file; never unpickles."""
    try:
        votes = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give an integer array (votes, classes) written by numpy.save") from None
    except (OSError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: not a .npy file ({reason}); write the votes with numpy.save") from None
    return checked_votes(votes, str(path))


def checked_votes(votes: object, name: str = "votes") -> NDArray[np.integer]:
    """Return the votes if they are what the accountants can read, else say what is wrong."""
    if not isinstance(votes, np.ndarray):
        raise UserError(f"{name}: holds several arrays; write one array with numpy.save")
    if votes.ndim != 2 or 0 in votes.shape:
        raise UserError(f"{name}: has the shape {votes.shape}; must be (votes, classes), at least one of each")
    if not np.issubdtype(votes.dtype, np.integer):
        raise UserError(f"{name}: holds {votes.dtype}; must hold integers, the number of teachers for each class")
    if votes.min() < 0:
        row = int(np.argmax((votes < 0).any(axis=1)))
        raise UserError(f"{name}: row {row} holds a negative number; must hold the number of teachers for each class")
    if np.issubdtype(votes.dtype, np.unsignedinteger) or votes.dtype.itemsize < 4:
        if votes.max() > 2**31:
            raise UserError(f"{name}: holds a number above 2,147,483,648; that many teachers are not supported")
        return votes.astype(np.int32 if votes.max() < 2**31 else np.int64)
    return votes
