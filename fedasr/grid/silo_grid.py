"""What both grids share: Flower's Grid over silos, exchanges in fixed groups, traffic as encoded."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from flwr.app import Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.grid.downlink import Downlink
from fedasr.grid.drop_out import DropOut
from fedasr.grid.exchange import Exchange, GroupOutcome, Mean, Outcome, Request, group_count
from fedasr.grid.identity import error_reply, identify, name_message, node_of, silo_of
from fedasr.grid.sums import mean_of_groups
from fedasr.messages.kinds import Kind, kind_of
from fedasr.messages.records import CHANGE, array_record, arrays_of, envelope_bytes, metric_record, viewed
from fedasr.messages.traffic import Traffic
from fedasr.wire.codec import Codec
from fedasr.wire.codecs.dense import Dense


class SiloGrid(Grid):
    """A `flwr.serverapp.Grid` whose nodes are simulated silos.

    Unmodified Flower strategies run on it. With `mean` set, the train replies of a whole cohort are
    averaged where they are made, and the strategy receives one reply that stands for all of them:
    its arrays are their weighted mean, its weight the sum of their weights.

    Parameters
    ----------
    silos : int
        How many silos; silo n is node n + 2.

    Attributes
    ----------
    round : int
        The round that messages belong to; the coordinator sets it.
    mean : Mean or None
        Set for strategies that declare ``reduce = "weighted_mean"``.
    codec : Codec
        What arrays of replies to train messages travel as. Downward a silo that has the model sent last
        gets the values that changed, where that is shorter; every bit arrives.
    drop_out : DropOut or None
        Draws the silos that drop out of a round of training.
    before_training : callable or None
        Told the round, and which silo is asked by what kind of message, before silos are asked to train.
    traffic : list of Traffic
        Every message since the list was last emptied.
    outcomes : list of Outcome
        What came of each request of the last exchange, without arrays.
    """

    def __init__(self, silos: int) -> None:
        identify()
        self.silos = silos
        self.round = 0
        self.mean: Mean | None = None
        self.codec: Codec = Dense()
        self.drop_out: DropOut | None = None
        self.before_training: Callable[[int, Sequence[tuple[int, Kind]]], None] | None = None
        self.traffic: list[Traffic] = []
        self.outcomes: list[Outcome] = []
        self._numbers = itertools.count(1)
        self._pushed: dict[str, Message] = {}
        self._downlink = Downlink()

    @abstractmethod
    def silo_states(self) -> Iterator[tuple[int, Mapping[str, NDArray[Any]]]]:
        """Yield what each silo that keeps anything between messages keeps."""

    @abstractmethod
    def restore_silos(self, states: Iterable[tuple[int, Mapping[str, NDArray[Any]]]]) -> None:
        """Give silos what `silo_states` yielded, before their first message."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what the server's end of the links remembers: what each silo was sent last."""
        return self._downlink.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what `state` returned."""
        self._downlink.restore(state)

    @abstractmethod
    def _exchange(
        self, exchange: Exchange, groups: Sequence[tuple[int, list[Request]]], timeout: float | None
    ) -> list[GroupOutcome]:
        """Run the requests of each group and return their outcomes, in any order."""

    def get_node_ids(self) -> Iterable[int]:
        """Return the node of each silo, in order."""
        return [node_of(silo) for silo in range(self.silos)]

    def set_run(self, run: Any) -> None:
        """Do nothing: a simulated grid serves one run."""

    @property
    def run(self) -> Any:
        """Not available: the grid does not belong to a run of Flower's own runtime."""
        raise NotImplementedError("a simulated grid has no Flower run")

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a message to a node."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Accept messages; they are delivered when their replies are pulled."""
        names = []
        for message in messages:
            name = str(next(self._numbers))
            self._pushed[name] = message
            names.append(name)
        return names

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Deliver messages that were pushed and return the replies."""
        return self.send_and_receive([self._pushed.pop(name) for name in message_ids if name in self._pushed])

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Deliver messages and return their replies in order of the silos.

        Parameters
        ----------
        messages : iterable of Message
        timeout : float, optional
            Seconds after which a silo that has not replied is answered for by an error.
        """
        sent = sorted(messages, key=lambda message: message.metadata.dst_node_id)
        for message in sent:
            name_message(message, str(next(self._numbers)))
        if not sent:
            return []
        exchange, requests = self._plan(sent)
        asked = [(request.silo, request.kind) for request in requests if request.kind.trains]
        if self.before_training and asked:
            self.before_training(self.round, asked)
        self._count_downlink(exchange, requests)
        present, gone = self.drop_out(self.round, requests) if self.drop_out else (requests, [])
        results = self._exchange(exchange, self._grouped(present), timeout) if present else []
        results.sort(key=lambda result: result.group)
        self.outcomes = sorted([*gone, *(o for r in results for o in r.outcomes)], key=lambda o: o.request.position)
        self._count_uplink()
        return self._replies(sent, exchange, results)

    def _plan(self, sent: Sequence[Message]) -> tuple[Exchange, list[Request]]:
        places: dict[int, int] = {}
        contents: list[RecordDict] = []
        requests = []
        for position, message in enumerate(sent):
            content = message.content
            if id(content) not in places:
                places[id(content)] = len(contents)
                contents.append(viewed(content))
            silo = silo_of(message.metadata.dst_node_id)
            requests.append(Request(position, silo, kind_of(message.metadata.message_type), places[id(content)]))
        mean = self.mean if all(request.kind.averaged for request in requests) else None
        return Exchange(self.round, tuple(contents), mean, self.codec), requests

    def _grouped(self, requests: Sequence[Request]) -> list[tuple[int, list[Request]]]:
        """Divide requests by the fixed group of their silo."""
        groups: dict[int, list[Request]] = {}
        for request in requests:
            groups.setdefault(self.group_of(request.silo), []).append(request)
        return sorted(groups.items())

    def group_of(self, silo: int) -> int:
        """Return the fixed group in which a silo's replies are summed."""
        return silo * group_count(self.silos) // self.silos

    def _count_downlink(self, exchange: Exchange, requests: Sequence[Request]) -> None:
        envelopes = [envelope_bytes(content) for content in exchange.contents]
        blobs = self._downlink.sizes(exchange, requests)
        self.traffic += [
            Traffic(exchange.round, r.silo, "down", r.kind.name, blob, envelopes[r.content])
            for r, blob in zip(requests, blobs, strict=True)
        ]

    def _count_uplink(self) -> None:
        self.traffic += [
            Traffic(
                self.round,
                o.request.silo,
                "up",
                o.request.kind.name,
                o.uplink_blob_bytes,
                o.uplink_envelope_bytes,
                o.metric("audio-seconds"),
            )
            for o in self.outcomes
            if o.content is not None
        ]

    def _replies(self, sent: Sequence[Message], exchange: Exchange, results: Sequence[GroupOutcome]) -> list[Message]:
        failed = [o for o in self.outcomes if o.content is None]
        errors = [error_reply(sent[o.request.position], o.error or "no reply") for o in failed]
        good = [o for o in self.outcomes if o.content is not None]
        if exchange.mean is None or not good:
            return [Message(o.content, reply_to=sent[o.request.position]) for o in good] + errors  # type: ignore[arg-type]
        content = _mean_reply(exchange, good, results)
        return [Message(content, reply_to=sent[good[0].request.position]), *errors]


def _mean_reply(exchange: Exchange, good: Sequence[Outcome], results: Sequence[GroupOutcome]) -> RecordDict:
    """Return the one reply that stands for all: mean arrays, mean metrics, summed weight."""
    assert exchange.mean is not None
    metrics = [metric_record(o.content) for o in good if o.content is not None]
    is_clipped = exchange.mean.clip_norm is not None
    weights = np.array([1.0 if is_clipped else float(m[exchange.mean.weight]) for m in metrics])  # type: ignore[arg-type]
    total = float(weights.sum())
    if total <= 0:
        raise RowError(f"the weights '{exchange.mean.weight}' of all replies are zero")
    record = next(iter(exchange.contents[good[0].request.content].array_records.items()))
    sums = [result.total for result in results if result.total is not None]
    arrays = mean_of_groups(sums, total, arrays_of(record[1]))
    answered = CHANGE if is_clipped else next((name for name in good[0].records), record[0])
    averaged = MetricRecord({exchange.mean.weight: total})
    for key in metrics[0]:
        if key != exchange.mean.weight and all(key in m for m in metrics):
            values = np.array([m[key] for m in metrics], np.float64)
            averaged[key] = (weights @ values / total).tolist()
    name = next(iter(good[0].content.metric_records)) if good[0].content is not None else "metrics"
    return RecordDict({answered: array_record(arrays), name: averaged})
