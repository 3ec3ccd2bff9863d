"""PATE's formulas, one number at a time, as they are written down: slow, and independent of the library's arrays."""

import math
from itertools import product


def q_gaussian(votes, sigma):
    top = max(votes)
    rest = list(votes)
    rest.remove(top)
    q = sum(0.5 * math.erfc((top - count) / (2 * sigma)) for count in rest)
    return min(q, 1 - 1 / len(votes))


def q_laplace(votes, scale):
    top = max(votes)
    rest = list(votes)
    rest.remove(top)
    gaps = [(top - count) / scale for count in rest]
    return min(sum((2 + gap) / (4 * math.exp(gap)) for gap in gaps), 1 - 1 / len(votes))


def rdp_gaussian(q, sigma, a):
    """Papernot et al. 2018, Theorem 6 with Proposition 10; the data-independent bound where it does not hold."""
    whole = a / sigma**2
    if q == 0:
        return 0.0
    mu_2 = sigma * math.sqrt(math.log(1 / q))
    mu_1 = mu_2 + 1
    e_1, e_2 = mu_1 / sigma**2, mu_2 / sigma**2
    if not (a < mu_1 and mu_2 > 1 and -math.log(q) > e_2):
        return whole
    if math.log(q) > (mu_2 - 1) * e_2 - mu_2 * math.log(mu_1 / (mu_1 - 1) * mu_2 / (mu_2 - 1)):
        return whole
    log_A = math.log((1 - q) / (1 - (q * math.exp(e_2)) ** (1 - 1 / mu_2)))
    log_B = e_1 - math.log(q) / (mu_1 - 1)
    kept, flipped = math.log(1 - q) + (a - 1) * log_A, math.log(q) + (a - 1) * log_B
    larger = max(kept, flipped)  # the powers themselves overflow
    return min((larger + math.log(math.exp(kept - larger) + math.exp(flipped - larger))) / (a - 1), whole)


def rdp_laplace(q, scale, a):
    """Papernot et al. 2017, Theorem 3."""
    pure = 2 / scale
    bounds = [pure**2 * a / 2, pure]
    if q <= 1 / (math.exp(pure) + 1):
        T = (1 - q) * ((1 - q) / (1 - math.exp(pure) * q)) ** (a - 1) + q * math.exp(pure * (a - 1))
        bounds.append(math.log(T) / (a - 1))
    return min(bounds)


def passing(votes, threshold, sigma):
    return 0.5 * math.erfc((threshold - max(votes)) / (sigma * math.sqrt(2)))


def rdp_check(votes, threshold, sigma, a):
    p = passing(votes, threshold, sigma)
    return rdp_gaussian(min(p, 1 - p), math.sqrt(2) * sigma, a)


def neighbours(votes):
    """All histograms after one teacher changes its vote."""
    for source, target in product(range(len(votes)), repeat=2):
        if source != target and votes[source] > 0:
            changed = list(votes)
            changed[source] -= 1
            changed[target] += 1
            yield tuple(changed)


def smooth_sensitivity(votes, function, beta):
    """``max over all histograms D' of exp(−β d(D, D')) times the local sensitivity at D'``: the definition."""
    values, distance, frontier = {}, {tuple(votes): 0}, [tuple(votes)]

    def value(at):
        return values.setdefault(at, function(at)) if at not in values else values[at]

    while frontier:
        reached = {near for at in frontier for near in neighbours(at)} - distance.keys()
        distance.update(dict.fromkeys(reached, distance[frontier[0]] + 1))
        frontier = list(reached)
    local = {at: max(abs(value(at) - value(near)) for near in neighbours(at)) for at in distance}
    return max(math.exp(-beta * steps) * local[at] for at, steps in distance.items())
