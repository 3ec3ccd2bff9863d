"""What a data set and a target allow, for each mechanism: before anything is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from fedasr.common.errors import UserError, nearest
from fedasr.privacy.accounting.calibration import Target, noise_for, releases_for, with_noise
from fedasr.privacy.accounting.conversion import delta_for
from fedasr.privacy.mechanisms.mechanism import checked_number

Unit = Literal["utterance", "speaker", "silo"]
VOTING = ("gnmax", "lnmax", "confident-gnmax")
USABLE_SHARE = 0.25
"""Noise of a quarter of the teachers (one standard deviation) is taken as the most that votes can stand."""
MOST_SUMS = 10**6
"""More of them take a privacy-loss distribution minutes to compose."""


@dataclass(frozen=True)
class Study:
    """The data set, and how often it would be asked.

    Attributes
    ----------
    unit : {"utterance", "speaker", "silo"}
        Votes protect the whole silo, and so whatever lies in one silo only.
    silos, utterances : int
        Silos, and utterances a silo.
    public_utterances, labels : int
        Public utterances, and labels an utterance: a label-synchronous vote asks one more, for its end.
    rounds : int
        Of DP-FedAvg, each with a cohort of ``cohort_rate`` of the silos.
    epochs, batch : int
        Of DP-SGD, over all utterances.
    """

    unit: Unit
    silos: int
    utterances: int
    public_utterances: int
    labels: int
    rounds: int = 50
    cohort_rate: float = 0.5
    epochs: int = 20
    batch: int = 256

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise UserError(f"unit '{self.unit}' is not known{nearest(self.unit, get_args(Unit))}")
        for name in ("silos", "utterances", "public_utterances", "rounds", "epochs", "batch"):
            checked_number(name.replace("_", " "), getattr(self, name), 1)
        checked_number("labels", self.labels)

    @property
    def examples(self) -> int:
        """All private utterances."""
        return self.silos * self.utterances


@dataclass(frozen=True)
class Feasibility:
    """One mechanism's answer.

    Attributes
    ----------
    mechanism : str
    asks : str
        What is released so many times.
    releases : int
    noise : float
        The σ (λ for lnmax), in votes; for sums the noise multiplier.
    signal, deviation : float
        What is to be heard (all teachers for votes, the expected cohort for sums, in clipping norms) and one standard
        deviation of the noise on it.
    affordable : int
        Releases at the most noise that is usable; of sums no more than `MOST_SUMS` are looked for.
    met : bool
    verdict : str
        One plain sentence.
    """

    mechanism: str
    asks: str
    releases: int
    noise: float
    signal: float
    deviation: float
    affordable: int
    met: bool
    verdict: str


def plan(study: Study, target: Target) -> list[Feasibility]:
    """Return what each mechanism that fits the unit needs, and what it can afford.

    Raises
    ------
    UserError
        Where δ allows to publish a unit as it is: a silo holds one speaker at least.
    """
    delta_for(target.delta, study.unit, study.examples if study.unit == "utterance" else study.silos)
    label_votes = study.public_utterances * (study.labels + 1)
    plans = [_voted(kind, "label votes", label_votes, study, target) for kind in VOTING]
    if study.labels:
        plans += [_voted(kind, "utterance votes", study.public_utterances, study, target) for kind in VOTING]
    if study.unit != "utterance":
        cohort = study.cohort_rate * study.silos
        plans.append(_summed("dp-fedavg", study.rounds, study.cohort_rate, cohort, target))
    else:
        batch = min(study.batch, study.examples)
        steps = math.ceil(study.epochs * study.examples / batch)
        plans.append(_summed("dp-sgd", steps, batch / study.examples, batch, target))
    return plans


def _voted(kind: str, asks: str, votes: int, study: Study, target: Target) -> Feasibility:
    noise = noise_for(kind, votes, target.epsilon, target.delta, target.adjacency, target.conversion)
    spread = spread_of(kind)
    usable = USABLE_SHARE * study.silos
    affordable = releases_for(with_noise(kind, usable / spread), target)
    verdict = f"{votes:,} {asks} at a noise of {_number(noise)} votes, {study.silos:,} teachers"
    if unmet := unmet_vote(kind, noise, study.silos):
        verdict = f"{unmet}; {affordable:,} votes can be afforded"
    return Feasibility(kind, asks, votes, noise, float(study.silos), noise * spread, affordable, not unmet, verdict)


def spread_of(kind: str) -> float:
    """Return the standard deviation of a vote's noise in units of its parameter: λ of LNMax, else σ."""
    return math.sqrt(2) if kind == "lnmax" else 1.0


def unmet_vote(kind: str, noise: float, teachers: int) -> str:
    """Return that so many teachers cannot be heard through the noise of a vote; nothing where they can."""
    told = f"cannot be met: {teachers:,} teachers, the noise would be {_number(noise)} votes"
    return "" if are_heard(kind, noise, teachers) else told


def are_heard(kind: str, noise: float, teachers: int) -> bool:
    """Return whether so many teachers can be heard through the noise of a vote."""
    return kind not in VOTING or noise * spread_of(kind) <= USABLE_SHARE * teachers


def _summed(name: str, releases: int, rate: float, cohort: float, target: Target) -> Feasibility:
    noise = _multiplier(releases, rate, target)
    usable = USABLE_SHARE * cohort
    step = with_noise("sampled-gaussian", usable, rate)
    met = target.holds(step, releases)
    affordable = max(releases_for(step, target, MOST_SUMS), releases * met)
    word = "rounds" if name == "dp-fedavg" else "steps"
    verdict = f"{releases:,} {word} at a noise multiplier of {_number(noise)}, {_number(cohort)} expected in each"
    if not met:
        verdict = (
            f"cannot be met: a cohort of {_number(cohort)}, the noise would be {_number(noise)} clipping norms; "
            f"{affordable:,} {word} can be afforded"
        )
    return Feasibility(name, word, releases, noise, cohort, noise, affordable, met, verdict)


def _multiplier(releases: int, rate: float, target: Target) -> float:
    return noise_for(
        "sampled-gaussian", releases, target.epsilon, target.delta, target.adjacency, target.conversion, rate=rate
    )


def checked_unit(word: str) -> Unit:
    """Return the word as a unit, or say which words there are."""
    for known in get_args(Unit):
        if word == known:
            return known  # type: ignore[no-any-return]
    raise UserError(f"unit '{word}' is not known{nearest(word, get_args(Unit))}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
