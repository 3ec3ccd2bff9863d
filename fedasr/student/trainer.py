"""The central trainer: it trains on speech that the centre holds, under a protection or under none."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.recogniser import Weights
from fedasr.common.errors import RowError
from fedasr.common.randomness import Streams
from fedasr.common.settings import Mistake, Settings, least, number
from fedasr.common.threads import one_thread
from fedasr.privacy.noise import Noise, ReproducibleNoise, SecureNoise
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.none import Unprotected
from fedasr.protection.protection import Protection
from fedasr.protection.releases import Charge, Releases
from fedasr.protection.step import Dice, Step
from fedasr.protection.trust import Trust
from fedasr.student.under_way import UnderWay
from fedasr.training.batches import seconds_of
from fedasr.training.course import Course
from fedasr.training.descent import Descent, OneCycle, State
from fedasr.training.gradients import LANES
from fedasr.training.iterates import COUNT, IterateMean, counts
from fedasr.training.learner import Learner
from fedasr.training.losses import mean_of_known, number_or_none
from fedasr.training.taken import Meter, Taken


@dataclass(frozen=True)
class TrainerSpec(Settings):
    """How the centre trains.

    Parameters
    ----------
    epochs : int
        Passes over the speech.
    batch_size : int
        Utterances of a step.
    batch_seconds : float
        In place of `batch_size`: a step takes as many utterances of like length as fit into so many seconds of speech,
        padded to the longest (before `augment`), and one at least. 0 counts in utterances.
    learning_rate : float
        The peak of the one-cycle schedule.
    weight_decay : float
        Of AdamW.
    gradient_norm : float
        Gradients are clipped to this global L2 norm; ``inf`` switches it off.
    """

    epochs: int = least(60, 1)
    batch_size: int = least(16, 1)
    batch_seconds: float = number(0.0, least=0, below=math.inf)
    learning_rate: float = least(1e-3, 0.0)
    weight_decay: float = least(0.01, 0.0)
    gradient_norm: float = number(5.0, above=0, mend="inf switches it off")

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse a batch that is counted in utterances and in seconds."""
        if self.batch_seconds:
            yield from self.without_effect("batch_size", unless="batch_seconds = 0")


AT_CENTRE = Trust("the centre is trusted with the speech of all silos; who sees the model alone is guarded against")
"""Whatever the protection, at the centre it covers what leaves the centre, and not what comes to it."""
WITHIN_SECONDS = 60.0
"""How often a stretch is kept while it is under way."""
ITERATES = "iterates/"
"""The mean of iterates stands in a trainer's state under names that begin so."""


@dataclass
class CentralTrainer:
    """Trains one recogniser, a stretch at a time, and can be stopped and resumed between stretches and within them.

    All randomness of a stretch comes from that stretch's own streams, and where it is left within, their state goes
    with it, so that a resumed training gives the bits of an unbroken one. Under a guarantee every stretch is a release:
    it is on disk before it is used, one that a crash cut off left nothing behind, and no loss is told. Each iterate is
    made of noisy gradients that are charged for, so the mean of iterates is post-processing.

    Parameters
    ----------
    learner : Learner
        Its recogniser is trained in place.
    spec : TrainerSpec
    streams : Streams
    purpose : str
        Names the streams: two trainings in one row need two purposes.
    protection : Protection
    releases : Releases, optional
        Where stretches are stored and charged; needed under a guarantee.
    epoch : int
        Stretches done.
    iterates : IterateMean, optional
        The model after each step of the last third is added to it; it is part of the state.
    meter : Meter
        Counts the gradients that are taken; under a guarantee those that are expected.
    """

    learner: Learner
    spec: TrainerSpec
    streams: Streams
    purpose: str = "central"
    protection: Protection = field(default_factory=Unprotected)
    releases: Releases | None = None
    epoch: int = 0
    iterates: IterateMean | None = None
    meter: Meter = field(default_factory=Meter)
    _plan: GradientPlan = field(init=False)
    _course: Course = field(init=False)
    _descent: Descent = field(init=False)
    _under_way: UnderWay | None = field(init=False, default=None)
    _within: Callable[[], None] = field(init=False, default=lambda: None)

    def __post_init__(self) -> None:
        spec, learnt, recogniser = self.spec, self.learner.learnt, self.learner.recogniser
        self._course = self.protection.course(self.learner, spec.epochs)
        self._plan = self.protection.plan(len(learnt.private), len(learnt.public), self._course.steps)
        plain = OneCycle(recogniser, spec.learning_rate, spec.weight_decay, spec.gradient_norm)
        self._descent = self._plan.descent(recogniser, plain)
        if self._plan.guarantee is not None:
            self._releases.promise(self._plan.guarantee.promise, self._plan.guarantee.sampling, AT_CENTRE)

    @property
    def _releases(self) -> Releases:
        assert self.releases is not None, "a guarantee needs a place for its releases"
        return self.releases

    @property
    def is_released(self) -> bool:
        """Whether a guarantee covers what is trained."""
        return self._plan.guarantee is not None

    @property
    def epochs(self) -> int:
        """How many stretches there are."""
        return len(self._course.ends)

    def seconds_an_epoch(self) -> float:
        """Return the seconds of speech that a stretch is expected to read."""
        return self._course.share * seconds_of(self.learner.examples)

    def weights(self) -> Weights:
        """Return the model: the last iterate."""
        return self.learner.recogniser.weights()

    def run(
        self, after_epoch: Callable[[int, float | None], None] = lambda epoch, loss: None,
        within: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Train to the end.

        Parameters
        ----------
        after_epoch : callable
            Called with the stretches done and the mean loss of the last.
        within : callable
            Called once a minute between two steps of a stretch, for its `state` to be kept; never under a guarantee,
            whose releases are whole stretches.
        """
        self._within = within
        with one_thread():
            while self.epoch < self.epochs:
                loss = self._stretch(self._plan.guarantee)
                after_epoch(self.epoch, loss)

    def _stretch(self, guarantee: Guarantee | None) -> float | None:
        """Train a stretch and return its mean loss; None where nothing could be learnt, or no guarantee covers it."""
        if guarantee is None:
            return self._trained()
        begin, end = self._course.stretch(self.epoch)
        self.meter.add(self._course.taken or self.learner.expected(self._course.share * len(self.learner.examples)))
        charge = Charge(guarantee.mechanism, end - begin)
        self.restore(self._releases.make(f"steps.{self.epoch + 1}", lambda _: [charge], lambda _: self._drawn()))
        return None

    def _drawn(self) -> State:
        self._trained()
        return self.state()

    def _trained(self) -> float | None:
        begin, end = self._course.stretch(self.epoch)
        learner = self.learner.at(self.epoch / self.epochs, (self.epoch + 1) / self.epochs)
        dice, losses, taken, kept = self._dice(begin, end), list[float](), Taken(), time.monotonic()
        if self._under_way is not None:
            dice, losses, taken = self._under_way.onto(dice), list(self._under_way.losses), self._under_way.taken
            self.meter.add(taken)
            self._under_way = None
        with closing(self._plan.gradients(learner, dice)) as steps:
            for step in itertools.islice(steps, end - begin - len(losses)):
                progress = (self.epoch + len(losses) / (end - begin)) / self.epochs
                self._descent.step(step.gradient, progress, step.rate)
                losses.append(step.loss)
                taken += self._noted(step, begin + len(losses))
                if step.place is not None and not self.is_released and time.monotonic() - kept >= WITHIN_SECONDS:
                    self._keep(UnderWay.after(losses, taken, step.place, dice))
                    kept = time.monotonic()
        self.epoch += 1
        return number_or_none(mean_of_known(losses))

    def _noted(self, step: Step, number: int) -> Taken:
        """Note the iterate after a step, and the gradients that it took, which are returned."""
        if self.iterates is not None and counts(number, self._course.steps):
            self.iterates.add(self.weights())
        if self.is_released or step.taken is None:
            return Taken()
        self.meter.add(step.taken)
        return step.taken

    def _keep(self, under_way: UnderWay) -> None:
        self._under_way = under_way
        self._within()
        self._under_way = None

    def _dice(self, begin: int, end: int) -> Dice:
        streams, purpose, epoch, device = self.streams, self.purpose, self.epoch, self.learner.recogniser.device
        masks = tuple(streams.torch(f"{purpose} dropout {lane}", epoch, device=device) for lane in range(LANES))
        batches, steps = streams.numpy(purpose, epoch), end - begin
        return Dice(batches, masks, lambda what, step: self._noise(what, begin + step), steps)

    def _noise(self, what: str, step: int) -> Noise:
        """Return the source of noise of one step; a step that is taken again is a release of its own."""
        if self.releases is not None and self.releases.reproducible:
            return ReproducibleNoise(self.streams.sequence(f"{self.purpose} {what}", step))
        return SecureNoise()

    def state(self) -> State:
        """Return weights, what the descent remembers and the stretches done, as arrays by name."""
        weights = {f"weights/{name}": array for name, array in self.weights().items()}
        mean = self.iterates.state() if self.iterates is not None else {}
        iterates = {ITERATES + name: array for name, array in mean.items()}
        under_way = self._under_way.state() if self._under_way is not None else {}
        return {"epoch": np.array(self.epoch), **weights, **self._descent.state(), **iterates, **under_way}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from what `state` returned.

        Raises
        ------
        RowError
            Where a mean is asked for and an earlier version, which kept none, wrote it.
        """
        # Under DP-SGD version 0.1 counted steps alone.
        done = arrays["epoch"] if "epoch" in arrays else self._course.ends.index(int(arrays["step"])) + 1
        self.epoch = int(done)
        weights = {n[8:]: np.asarray(a) for n, a in arrays.items() if n.startswith("weights/")}
        self.learner.recogniser.load(weights)
        self._descent.restore(arrays)
        self._under_way = UnderWay.restored(arrays)
        if self.iterates is not None:
            if ITERATES + COUNT not in arrays:
                raise RowError("its steps were taken by an earlier version, which kept no mean; start the run anew")
            found = {n.removeprefix(ITERATES): a for n, a in arrays.items() if n.startswith(ITERATES)}
            self.iterates.restore(found)
