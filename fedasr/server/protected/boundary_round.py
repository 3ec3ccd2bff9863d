"""A round under a protection at the silos' boundary: one reply that stands for the cohort."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from numpy.typing import NDArray

from fedasr.common.errors import RowError, UserError
from fedasr.common.files import Arrays
from fedasr.grid.exchange import Answers, Mean
from fedasr.grid.flower.identity import silo_of
from fedasr.grid.flower.round_grid import RoundGrid
from fedasr.grid.silo_grid import SiloGrid
from fedasr.messages.coded.returned import asked_back, completed
from fedasr.messages.kinds import GRADIENT, Kind
from fedasr.messages.records import CHANGE, METRICS, array_record, arrays_of, flat_name, like_of
from fedasr.privacy.noise import Noise
from fedasr.protection.boundary import Boundary
from fedasr.protection.releases import Charge
from fedasr.server.central import Central
from fedasr.server.protected.pseudo_silos import Layout, public_changes, way_back

log = logging.getLogger("fedasr")


@dataclass(frozen=True)
class BoundaryRound:
    """One round of a strategy that is given nothing of the silos but what is published.

    Parameters
    ----------
    boundary : Boundary
    central : Central
    grid : SiloGrid
    round : int
    """

    boundary: Boundary
    central: Central
    grid: SiloGrid
    round: int

    def reply(self, messages: Sequence[Message], weight: str) -> Message:
        """Return the reply that stands for the cohort: what was sent, moved by the noisy mean change.

        A round whose release was stored is not asked for again: what silos and the grid had kept after it is restored
        with it.

        Parameters
        ----------
        messages : sequence of Message
            What the strategy sends, and to whom: the protection draws the cohort among these.
        weight : str
            The metric by which the strategy weighs replies. This one weighs as much as the cohort that is expected,
            as a mean weighs as much as what it is of, and has no other metric.

        Raises
        ------
        RowError
            For messages that the guarantee does not cover.
        """
        asked = sorted(messages, key=lambda message: message.metadata.dst_node_id)
        kind = self._one_kind(asked)
        self.boundary.check(len(asked), self.grid.silos)
        layout = layout_of(kind, asked[0].content)
        public = self._of_pseudo_silos(kind, asked[0].content, layout)
        turn = replace(self, boundary=self.boundary.in_round(public))
        noisy, share = turn._published(asked, layout), self.boundary.divisor(len(asked))
        divided = {name: array / share for name, array in noisy.items()}
        mean = turn.boundary.directed(divided, public, way_back(self.central.start, asked[0].content, layout))
        records = {
            record: _moved(asked[0].content, record, {key: mean[name] for key, name in names.items()})
            for record, names in layout.items()
        }
        whole = completed(asked[0].content, RecordDict({**records, METRICS: MetricRecord({weight: share})}))
        return Message(whole, reply_to=asked[0])

    def _of_pseudo_silos(self, kind: Kind, sent: RecordDict, layout: Layout) -> list[Arrays]:
        """Return how pseudo-silos change the model, where the protection asks for that."""
        if not self.boundary.pseudo_silo_speakers:
            return []
        if len(layout) != 1:
            raise RowError("pseudo-silos direct one model, and silos reply with more; set protection = 'silo-noise'")
        return public_changes(self.central, kind, sent, layout, self.round)

    def _one_kind(self, asked: Sequence[Message]) -> Kind:
        """Return the kind of all messages, which must be one message to different silos."""
        kinds = {message.metadata.message_type for message in asked}
        silos = [silo_of(message.metadata.dst_node_id) for message in asked]
        if len(kinds) != 1 or any(message.content is not asked[0].content for message in asked):
            raise RowError("under a protection at the boundary all silos are sent one and the same message")
        if len(set(silos)) != len(silos):
            raise RowError("under a protection at the boundary a silo is asked once a round: one reply is bounded")
        kind = self.grid.rules.kind(kinds.pop())
        if not (kind.trains and kind.averaged and kind.carries) or kind.unpaid:
            raise RowError(f"a message '{kind.name}' is not paid for: the protection covers the sum of changes alone")
        training = self.central.training
        if kind == GRADIENT and (training.optimizer != "sgd" or training.weight_decay):  # else noise alone is published
            raise RowError("gradients are exchanged for SGD without weight decay; set training.optimizer = 'sgd'")
        return kind

    def _published(self, asked: Sequence[Message], layout: Layout) -> Arrays:
        """Return the noisy sum of the round: as it was stored, or made, stored and charged now."""
        key, releases, aftermath = f"round.{self.round}", self.central.releases, self.central.folder.aftermath
        is_stored = releases.store.has(key)
        made = releases.make(
            key, lambda _: [Charge(self.boundary.guarantee.mechanism, 1)],
            lambda noise: self._noisy_sum(key, asked, layout, noise),
        )  # fmt: skip
        if not is_stored:
            aftermath.settle(key)
        elif left := aftermath.after(key):
            self.grid.restore(left[0])
            self.grid.restore_silos(left[1])
        return made

    def _noisy_sum(self, key: str, asked: Sequence[Message], layout: Layout, noise: Noise) -> Arrays:
        by_silo = {silo_of(message.metadata.dst_node_id): message for message in asked}
        grid = self.boundary.grid(_values(asked[0].content, layout), len(asked))
        answers = self.grid.exchange(
            [by_silo[silo] for silo in self.boundary.cohort(list(by_silo), noise)], round=self.round,
            mean=Mean(clip_norm=self.boundary.clip_norm, grid=grid, layer_bounds=self.boundary.layer_bounds),
            timeout=self.central.training.timeout_seconds,
        )  # fmt: skip
        for outcome in answers.failed:
            log.info(
                "%s, round %d: silo %d: %s", self.central.row.name, self.round, outcome.request.silo, outcome.error
            )
        self.central.folder.aftermath.keep(key, self.grid.state(), self.grid.silo_states())
        total = _total(answers, asked[0].content, layout)
        return _typed(self.boundary.released(total, grid, noise), asked[0].content, layout)


def layout_of(kind: Kind, sent: RecordDict) -> Layout:
    """Return what is published of the replies to a message.

    Raises
    ------
    RowError
        Where nothing that was sent is trained.
    """
    try:
        return _layout(kind, sent)
    except UserError as error:
        raise RowError(str(error)) from error


def _layout(kind: Kind, sent: RecordDict) -> Layout:
    names = {record: list(asked_back(sent, like_of(sent, record))) for record in sorted(kind.carries)}
    is_one = len(names) == 1
    return {r: {key: key if is_one else flat_name(r, key) for key in keys} for r, keys in names.items()}


def _values(sent: RecordDict, layout: Layout) -> int:
    """Return how many values a silo's reply has."""
    return sum(math.prod(like_of(sent, record)[key].shape) for record, names in layout.items() for key in names)


def _total(answers: Answers, sent: RecordDict, layout: Layout) -> dict[str, NDArray[np.float64]]:
    """Return the sum of the clipped changes, zeros where nobody came."""
    total: dict[str, NDArray[np.float64]] = {}
    found = answers.good[0].content.array_records if answers.answered else {}
    for record, names in layout.items():
        like = arrays_of(like_of(sent, record))
        changes = arrays_of(found[record] if record in found else found[CHANGE]) if found else {}
        for key, name in names.items():
            total[name] = changes[key] if changes else np.zeros(like[key].shape)
    return total


def _typed(noisy: Arrays, sent: RecordDict, layout: Layout) -> Arrays:
    """Return what is published in the types of the model that was sent."""
    types = {
        name: arrays_of(like_of(sent, record))[key].dtype
        for record, names in layout.items()
        for key, name in names.items()
    }
    return {name: array.astype(types[name]) for name, array in noisy.items()}


def _moved(sent: RecordDict, record: str, changes: Arrays) -> ArrayRecord:
    """Return a record as a silo would answer: the model that was sent, moved by a change, or the change itself."""
    base = sent.get(record)
    if not isinstance(base, ArrayRecord):
        return array_record(changes)
    before = arrays_of(base)
    return array_record({
        key: np.add(before[key], change, dtype=np.float64).astype(before[key].dtype) for key, change in changes.items()
    })  # fmt: skip


def nothing_asked(grid: SiloGrid) -> RoundGrid:
    """Return a grid that says which silos there are, and asks them nothing: nobody would pay for their answers."""

    def refuse(*_: object) -> NoReturn:
        raise RowError("it asks silos beside its training; under a protection at the boundary nobody pays for that")

    return RoundGrid(list(grid.get_node_ids()), refuse)
