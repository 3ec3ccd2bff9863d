"""What rows ask of the silos, checked once it is known who holds what: no silo has trained by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from flwr.serverapp.strategy import FedAvg, Strategy

from fedasr.common.errors import RowError, UserError
from fedasr.corpora.partition import Partition
from fedasr.engine.preparation import DividedCorpus
from fedasr.engine.sized_protection import sized_boundary, sized_plan, units_of
from fedasr.engine.teachable import ill_matched, unteachable
from fedasr.experiment.choices import protection_of
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.train_reply import SPEECH_SECONDS
from fedasr.privacy.accounting.conversion import delta_for
from fedasr.protection.guarantee import Guarantee
from fedasr.server.client_of import client_of
from fedasr.server.conditions import Conditions, lacking
from fedasr.server.foreign.cohort import cohort_faults
from fedasr.server.foreign.own_loop import wants_central
from fedasr.server.own_models import OwnModels
from fedasr.server.protected.coverage import boundary_protection
from fedasr.server.protected.row_protection import row_protection
from fedasr.server.strategies_by_name import build_strategy
from fedasr.server.work.recipe import ONE_CYCLE, recipe_of
from fedasr.silo.app import COVERED
from fedasr.student.trainer import TrainerSpec
from fedasr.training.iterates import BEST
from fedasr.training.parameters import ALL

CHANGED = "take a strategy that averages, or a granularity below the silo"
"""The mend where no silo replies with what it trained."""


def unfit(corpus: DividedCorpus) -> list[str]:
    """Return all that rows ask of these silos and cannot be given, a line each."""
    experiment = corpus.experiment
    lines = [line for row in experiment.compare for line in _Asked(corpus, row).mistakes()]
    if experiment.scored == BEST and not corpus.partition.development:
        lines.append("scored is 'best', which needs development speakers; set corpus.development_speakers")
    return lines


def evaluates_in_silos(strategy: Strategy) -> bool:
    """Return whether a strategy, or one that it wraps, is set to evaluate as Flower's do.

    What configures evaluation otherwise shows only once it asks.
    """
    inner = getattr(strategy, "strategy", None)
    if isinstance(inner, Strategy):
        return evaluates_in_silos(inner)
    return type(strategy).configure_evaluate is FedAvg.configure_evaluate and strategy.fraction_evaluate > 0  # type: ignore[attr-defined]


@dataclass(frozen=True)
class _Asked:
    """A row, and the silos that it is for."""

    corpus: DividedCorpus
    row: RowSpec

    @property
    def experiment(self) -> Experiment:
        return self.corpus.experiment

    @property
    def partition(self) -> Partition:
        return self.corpus.partition

    @property
    def training(self) -> TrainingSpec:
        return self.experiment.training_of(self.row)

    @cached_property
    def strategy(self) -> Strategy:
        return build_strategy(self.row, self.training, len(self.partition.silos))

    @property
    def conditions(self) -> Conditions:
        """What the row is given."""
        recogniser = self.experiment.model_of(self.row.role).recogniser()
        unlabelled = len(self.partition.public_unlabelled)
        return Conditions(self.training, recogniser, self.corpus.tokens, unlabelled)

    @property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(map(len, self.partition.silos))

    @cached_property
    def _guarantee(self) -> Guarantee | None:
        """What is promised of gradients; noise is planned for the answer, so it is asked for last."""
        return sized_plan(self._sizes, self.row, self.training).guarantee

    @cached_property
    def is_promised(self) -> bool:
        """Whether a guarantee covers what silos do."""
        try:
            return self._guarantee is not None
        except RowError:  # a promise that cannot be kept fails its row, which says why
            return True

    def _promised(self) -> Iterator[tuple[str, str, float]]:
        """Yield the key, the unit and the δ of each promise that can be kept, whoever makes it."""
        if (own := getattr(self.strategy, "unit_and_delta", None)) is not None:
            yield "options", *own
        key = "protection_options" if protection_of(self.row).protects else "options"
        if (planned := row_protection(self.row, self.strategy).unit_and_delta) is not None:
            yield key, *planned
            return
        with suppress(RowError):
            boundary = sized_boundary(self.row, self.strategy, self.training, len(self._sizes))
            if (promised := boundary.guarantee if boundary else self._guarantee) is not None:
                yield key, promised.unit, promised.delta

    def _loose(self) -> Iterator[tuple[str, str]]:
        """Yield each δ that allows to publish a unit as it is."""
        units = units_of(self._sizes)
        for key, unit, delta in self._promised():
            try:
                delta_for(delta, unit, units.get(unit, 1))
            except UserError as error:
                yield key, str(error)

    @property
    def _is_private(self) -> bool:
        """Whether its page is to show an ε, whoever promises it."""
        carries = bool(getattr(self.strategy, "carries_epsilon", False))
        return carries or boundary_protection(self.row, self.strategy) is not None or self.is_promised

    @property
    def _batch(self) -> tuple[str, TrainerSpec | TrainingSpec]:
        """The table that says what the row's batches hold, of the centre or of the silos."""
        central, training = self.experiment.central_of(self.row), self.training
        is_central = recipe_of(self.strategy, training, central).schedule == ONE_CYCLE
        return ("central", central) if is_central else ("training", training)

    def mistakes(self) -> Iterator[str]:
        """Yield each mistake."""
        for key, line in self._checks():
            yield f"compare.{self.row.name}.{key}: {line}"

    def _checks(self) -> Iterable[tuple[str, str]]:
        for line in cohort_faults(self.strategy, len(self.partition.silos)):
            yield "options", line
        silos = len(self.partition.silos)
        if self.training.silos_per_round > silos:
            many = f"silos_per_round is {self.training.silos_per_round}, and there are {silos} silos"
            yield "training", f"{many}; lower it, or set 0 for all"
        if self.row.central and not wants_central(self.strategy):
            yield "central", f"'{self.row.strategy}' trains nothing at the centre; leave it out"
        yield from self._lacking()
        yield from self._without_effect()
        yield from unteachable(self.experiment, self.row, self.strategy)
        yield from ill_matched(self.experiment, self.row, self.strategy, self._is_private)
        table, batch = self._batch
        if batch.batch_seconds and (lot := protection_of(self.row).lot) is not None:
            yield "protection", f"draws lots of {lot:g} utterances, expected; set {table}.batch_seconds = 0"
        if self.training.local_epochs and self.is_promised:
            yield "training", "a guarantee is planned for so many steps; set local_steps, not local_epochs"
        if evaluates_in_silos(self.strategy):
            if not self.experiment.corpus.held_out:
                yield "options", "to evaluate in the silos set corpus.held_out, or fraction_evaluate = 0"
            elif self.is_promised:
                yield "options", "no guarantee covers an evaluation on silos' speech; set fraction_evaluate = 0"
        if self.experiment.scored == BEST and isinstance(self.strategy, OwnModels):
            yield "strategy", "its models stay in the silos, which hear no development speech; set scored = 'mean'"
        if getattr(self.strategy, "weighted_by_key", None) == SPEECH_SECONDS and self.is_promised:
            yield "options", "a silo's seconds of speech are covered by no guarantee; set weighting = 'uniform'"
        yield from self._loose()

    def _lacking(self) -> Iterable[tuple[str, str]]:
        """Yield what neither the strategy nor the protection can do without, and is not there."""
        protection = row_protection(self.row, self.strategy)
        yield from (("options", line) for line in lacking(self.strategy, self.conditions))
        if protection.trained != ALL:
            yield from (("protection_options", line) for line in self.conditions.layers(protection.trained))
        most = sum(self._sizes) if self._batch[0] == "central" else min(self._sizes)
        if protection.lot is not None and protection.lot > most > 0:
            whose = "all silos hold" if self._batch[0] == "central" else "the smallest silo holds"
            yield "protection_options", f"batch_size is {protection.lot:g}, and {whose} {most} utterances; lower it"
        key, client = self.row.options.get("weighted_by_key"), client_of(self.row, self.strategy, self.training)
        if key is not None and client is None and key not in COVERED:
            yield "options", f"weighted_by_key is '{key}', which no silo replies; set 'num-examples' or 'uniform'"
        if self.row.parent is not None and isinstance(self._parent, OwnModels):
            yield "start", f"'{self.row.parent}' leaves its models in the silos: there is none to begin from"

    @property
    def _parent(self) -> Strategy:
        row = next(row for row in self.experiment.compare if row.name == self.row.parent)
        return build_strategy(row, self.experiment.training_of(row), len(self._sizes))

    def _without_effect(self) -> Iterable[tuple[str, str]]:
        """Yield why a protection, or an option of it, has nothing to act on."""
        protection, is_central = protection_of(self.row), wants_central(self.strategy)
        if protection.protects and getattr(self.strategy, "protected", "") is None:
            yield "protection", f"'{self.row.strategy}' trains on nothing private; leave it out"
            return
        if protection.needs_public and not self.partition.public_labelled:
            yield "protection", "needs labelled public speech, and there is none; set corpus.public_speakers"
        elif protection.least_public_speakers > (there := len(self.partition.public_labelled)):
            wanted = protection.least_public_speakers
            yield "protection_options", f"a pseudo-silo takes {wanted} public speakers, and there are {there}; lower it"
        if protection.bounds_replies and is_central:
            yield (
                "protection",
                f"bounds what silos reply, and '{self.row.strategy}' sums no changes of theirs; {CHANGED}",
            )
        table, batch = self._batch
        if not batch.batch_seconds and batch.batch_size < protection.least_batch:
            least = f"{table}.batch_size = {protection.least_batch}"
            yield "protection", f"takes no effect in batches of {batch.batch_size}; set {least} or more"
        for key in protection.of_centre:
            if key in self.row.protection_options and not is_central:
                yield f"protection_options.{key}", "goes with the centre; silos train by [training], so leave it out"
