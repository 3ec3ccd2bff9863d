"""What ``python -m fedasr.privacy`` answers, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.conversion import ORDERS, Conversion, Curve, checked_delta, delta_for, epsilon_of
from fedasr.privacy.accounting.losses import ROUNDING
from fedasr.privacy.accounting.proven import epsilon_by, proven_bounds, smallest
from fedasr.privacy.accounting.sampled_gaussian import dpsgd_mechanism, dpsgd_steps
from fedasr.privacy.accounting.vote_costs import Spent, Voting, load_votes, spent_on
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax
from fedasr.privacy.mechanisms.sanitised import sanitise
from fedasr.privacy.noise import Noise

HOLDS = {
    "data-independent": "in both directions, for a number of queries fixed in advance",
    "data-dependent": "in one direction, from these votes to any neighbour's; for queries fixed in advance",
    "sanitised": (
        "in one direction, from these votes to any neighbour's; for queries fixed in advance; a tenth of delta is that "
        "the release fails"
    ),
}
"""What each kind of ε is a bound on."""
ONE_RELEASE = "this call drew one sanitised release; each call draws another, and what they cost adds up"
PRIVATE = ("epsilon.data_dependent", "rdp.*.data_dependent")
"""Fields of the answer that depend on the votes and are not sanitised: not to be published."""
PRIVATE_OF_CHECKS = ("expected_answered", "rdp_threshold.*.data_dependent")
SEEN: tuple[Literal["mean", "each"], ...] = ("mean", "each")
LEAST_NOISE, MOST_NOISE, MOST_STEPS, MOST_STEPS_OF_PLD, MOST_ORDER = 1e-6, 1e12, 1e9, 1e6, 1e6
_NEEDS = {
    "gnmax": ("sigma",),
    "lnmax": ("scale",),
    "confident-gnmax": ("sigma", "threshold", "sigma_threshold"),
}


def voting_mechanism(kind: str, **options: float | None) -> Voting:
    """Return the mechanism that the options of the command name; each needs its own and no others."""
    if kind not in _NEEDS:
        raise UserError(f"--mechanism '{kind}': must be one of {', '.join(_NEEDS)}")
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if name in _NEEDS[kind] and value is None:
            raise UserError(f"--mechanism {kind}: needs {flag}")
        if name not in _NEEDS[kind] and value is not None:
            raise UserError(f"--mechanism {kind}: has no {flag}; leave it out")
        if value is not None and name != "threshold":
            _check_between(flag, value, LEAST_NOISE, MOST_NOISE, " (without noise ε is infinite)")
        elif value is not None and not abs(value) <= MOST_NOISE:
            raise UserError(f"{flag} {value:g}: must be a number of votes")
    given = {name: float(value) for name, value in options.items() if value is not None}
    makers: dict[str, type[Voting]] = {"gnmax": GNMax, "lnmax": LNMax, "confident-gnmax": ConfidentGNMax}
    return makers[kind](**given)


def parsed_orders(text: str) -> Curve:
    """Return the orders of a comma-separated list."""
    try:
        orders = np.array([float(word) for word in text.split(",")])
    except ValueError:
        raise UserError(f"--orders '{text}': must be numbers with commas between, such as 2,8,32") from None
    if not ((orders > 1) & (orders <= MOST_ORDER)).all():
        raise UserError(f"--orders '{text}': every order must be a number above 1, at most {MOST_ORDER:g}")
    return orders


def pate_answer(
    path: Path, mechanism: Voting, delta: float, adjacency: Adjacency, orders: Curve, conversion: Conversion,
    noise: Noise,
) -> dict[str, Any]:  # fmt: skip
    """Return what votes cost; draws one sanitised release where there is a bound to sanitise."""
    checked_delta(delta)
    votes = load_votes(path)
    delta_for(delta, "teacher", int(votes[0].sum()))
    spent = spent_on(mechanism, votes, adjacency)
    shown = spent_on(mechanism, votes, adjacency, orders)
    sanitised = None
    if adjacency == "replace-one" and isinstance(mechanism, GNMax | ConfidentGNMax):
        sanitised = sanitise(mechanism, votes, delta, noise, conversion)
    dependent = spent.total.data_dependent
    bound, epsilon = _bounded(conversion, (mechanism, len(votes)), delta, adjacency)
    answer = {
        "votes": votes.shape[0], "teachers": int(votes.sum(axis=1).max()), "classes": votes.shape[1],
        "mechanism": mechanism.fields(), "delta": delta, "adjacency": adjacency, "conversion": conversion,
        "expected_answered": spent.expected_answered,
        "epsilon": {
            "data_independent": epsilon,
            "data_dependent": None if dependent is None else epsilon_of(ORDERS, dependent, delta, conversion),
            "sanitised": sanitised.epsilon if sanitised else None,
        },
        "bound": {
            "data_independent": bound,
            "data_dependent": None if dependent is None else _rdp(conversion),
            "sanitised": sanitised and (_rdp(conversion) if sanitised.mechanism else bound),
        },
        "holds": {
            "data_independent": HOLDS["data-independent"],
            "data_dependent": None if dependent is None else HOLDS["data-dependent"],
            "sanitised": HOLDS[sanitised.kind] if sanitised else None,
        },
        "private": [*PRIVATE, *(PRIVATE_OF_CHECKS if spent.checks else ())],
        "sanitised_kind": sanitised.kind if sanitised else None,
        "sanitised_release": ONE_RELEASE if sanitised and sanitised.mechanism else None,
        "rdp": _by_order(orders, shown.answers),
    }  # fmt: skip
    return answer if shown.checks is None else {**answer, "rdp_threshold": _by_order(orders, shown.checks)}


def dpsgd_answer(
    examples: int, batch: float, epochs: float, noise_multiplier: float, delta: float, conversion: Conversion
) -> dict[str, Any]:
    """Return DP-SGD's ε by both accountants, and what it stands on."""
    _check_between("--noise-multiplier", noise_multiplier, LEAST_NOISE, MOST_NOISE)
    for flag, value in (("--batch", batch), ("--epochs", epochs)):
        if not (math.isfinite(value) and value > 0):
            raise UserError(f"{flag} {value}: must be a finite number above 0")
    if batch > examples:
        raise UserError(f"--batch {batch:g}: must be at most --examples {examples}")
    if epochs / batch > MOST_STEPS / examples:
        raise UserError(f"--epochs {epochs:g}, --batch {batch:g}: more than {MOST_STEPS:g} steps; ask for fewer")
    delta_for(checked_delta(delta), "example", examples)
    mechanism, steps = dpsgd_mechanism(examples, batch, noise_multiplier), dpsgd_steps(examples, batch, epochs)
    is_quick = mechanism.rate == 1 or steps <= MOST_STEPS_OF_PLD
    proven = proven_bounds([(mechanism, steps)], delta, "add-remove") if is_quick else {}
    by_order = epsilon_of(ORDERS, steps * mechanism.rdp(ORDERS, "add-remove"), delta, conversion)
    epsilon = {"rdp": by_order, "pld": proven.get("pld"), **({"exact": proven["exact"]} if "exact" in proven else {})}
    return {
        "epsilon": epsilon, "epsilon_bound": smallest({name: e for name, e in epsilon.items() if e is not None})[0],
        "pld_missing": _pld_missing(epsilon, delta, steps), "delta": delta, "steps": steps,
        "sampling_rate": mechanism.rate, "sampling_assumed": "poisson", "adjacency": "add-remove",
        "unit": "example", "conversion": conversion, "rdp_conversion": _of_rdp(conversion),
    }  # fmt: skip


def mean_answer(
    teachers: int, sigma: float, releases: int, delta: float, adjacency: Adjacency, conversion: Conversion
) -> dict[str, Any]:
    """Return what noisy means cost to who sees them, and to who sees the vectors that they are the means of."""
    _check_between("--sigma", sigma, LEAST_NOISE, MOST_NOISE, " (without noise ε is infinite)")
    delta_for(checked_delta(delta), "teacher", teachers)
    found = {
        seen: _bounded(conversion, (NoisyMean(sigma, teachers, seen), releases), delta, adjacency) for seen in SEEN
    }
    return {
        "teachers": teachers, "sigma": sigma, "releases": releases, "delta": delta, "adjacency": adjacency,
        "conversion": conversion,
        "epsilon": {seen: epsilon for seen, (_, epsilon) in found.items()},
        "bound": {seen: bound for seen, (bound, _) in found.items()},
        "holds": dict.fromkeys(found, HOLDS["data-independent"]),
    }  # fmt: skip


def _bounded(
    conversion: Conversion, releases: tuple[Mechanism, int], delta: float, adjacency: Adjacency
) -> tuple[str | None, float]:
    """Return a bound's name and its ε: the smallest that is proven, or that of Rényi divergences if asked."""
    if conversion != "exact":
        return _rdp(conversion), epsilon_by(conversion, [releases], delta, adjacency)
    name, epsilon = smallest(proven_bounds([releases], delta, adjacency))
    return _rdp(conversion) if name == "rdp" else name, epsilon


def _rdp(conversion: Conversion) -> str:
    return f"rdp, {_of_rdp(conversion)}"


def _of_rdp(conversion: Conversion) -> str:
    return "classic" if conversion == "exact" else conversion


def _pld_missing(epsilon: Mapping[str, float | None], delta: float, steps: int) -> str | None:
    if epsilon["pld"] is not None or "exact" in epsilon:
        return None
    reason = "too costly at this noise, or for so many steps"
    if delta < 2 * ROUNDING * steps:
        reason = f"rounding in so many steps could take more than half of a delta below {2 * ROUNDING * steps:g}"
    return f"PLD not available ({reason})"


def _check_between(flag: str, value: float, least: float, most: float, why: str = "") -> None:
    if not least <= value <= most:
        raise UserError(f"{flag} {value:g}: must be a number from {least:g} to {most:g}{why}")


def _by_order(orders: Sequence[float] | Curve, spent: Spent) -> dict[str, dict[str, float | None]]:
    dependent: Sequence[float | None] = (
        [None] * len(orders) if spent.data_dependent is None else spent.data_dependent.tolist()
    )
    return {
        f"{order:g}": {"data_independent": independent, "data_dependent": bound}
        for order, independent, bound in zip(orders, spent.data_independent.tolist(), dependent, strict=True)
    }
