"""What all grids share: Flower's Grid over silos, exchanges, traffic as encoded."""

from __future__ import annotations

import itertools
import logging
from abc import abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flwr.app import Message, RecordDict
from numpy.typing import NDArray

from fedasr.grid.downlink import Downlink
from fedasr.grid.exchange import Answers, Exchange, Gathered, Mean, Outcome, Request
from fedasr.grid.exchange_log import ExchangeLog, downward, upward
from fedasr.grid.flower.flower_face import FlowerFace
from fedasr.grid.flower.identity import NODE_UNAVAILABLE, error_reply, identify, named, node_of, silo_of
from fedasr.grid.flower.round_grid import RoundGrid
from fedasr.grid.rules import Rules
from fedasr.grid.sums.averaging import mean_reply
from fedasr.grid.sums.terms import Term
from fedasr.grid.time_limit import is_over, late_reason
from fedasr.messages.coded.returned import completed, layers_of
from fedasr.messages.kinds import Kind
from fedasr.messages.records import array_records, viewed

log = logging.getLogger("fedasr")

log = logging.getLogger("fedasr")


class SiloGrid(FlowerFace):
    """A `flwr.serverapp.Grid` whose nodes are simulated silos.

    Parameters
    ----------
    silos : int
        How many silos; silo n is node n + 2.
    rules : Rules
        What holds for every exchange.

    Attributes
    ----------
    log : ExchangeLog
        Every message since whoever reports the rounds drained it.
    """

    def __init__(self, silos: int, rules: Rules) -> None:
        super().__init__()
        identify()
        self.silos = silos
        self.rules = rules
        self.log = ExchangeLog()
        self._downlink = Downlink()
        self._exchanges = itertools.count(1)

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
    def _exchange(self, exchange: Exchange, requests: Sequence[Request]) -> Gathered:
        """Run requests, each silo's where that silo lives, and return what came of them."""

    def get_node_ids(self) -> Iterable[int]:
        """Return the node of each silo, in order."""
        return [node_of(silo) for silo in range(self.silos)]

    def exchange(
        self, messages: Iterable[Message], *, round: int, mean: Mean | None = None, timeout: float | None = None
    ) -> Answers:
        """Deliver messages and return what came of them.

        Parameters
        ----------
        messages : iterable of Message
        round : int
            The round that they belong to: it chooses random streams, and where their bytes are counted.
        mean : Mean, optional
            Average the replies where they are made, if all are of kinds that may be, and answer models of one layout:
            one reply then stands for all, its arrays their weighted mean, its weight the sum of their weights.
        timeout : float, optional
            Seconds that a silo has for one message, from when its work begins; one that has not replied by then is
            answered for by an error, and keeps what it kept before. Zero or less leaves nobody any time.
        """
        return self._answers([named(message) for message in messages], round, mean, timeout)

    def of_round(self, round: int, mean: Mean | None = None) -> RoundGrid:
        """Return the grid as it is in one round, for strategies that call Flower's ``send_and_receive``."""
        return RoundGrid(
            list(self.get_node_ids()),
            lambda messages, mean, timeout: self._answers(messages, round, mean, timeout),
            mean,
        )

    def _deliver(self, messages: Sequence[Message], timeout: float | None, *, whole: bool = False) -> Iterable[Message]:
        """Deliver messages of round 0, whose replies are not averaged."""
        return self._answers(messages, 0, None, timeout).replies

    def _answers(self, messages: Sequence[Message], round: int, mean: Mean | None, timeout: float | None) -> Answers:
        """Do what `exchange` says with messages that have their ids."""
        sent = sorted((m for m in messages if self._is_known(m)), key=lambda message: message.metadata.dst_node_id)
        lost = sorted((m for m in messages if not self._is_known(m)), key=lambda message: message.metadata.dst_node_id)
        errors = [self._undelivered(message) for message in lost]
        below = sum(message.metadata.dst_node_id < node_of(0) for message in lost)
        if not sent:
            return Answers(tuple(errors))
        contents, requests = _planned(sent, self.rules.kind)
        self.rules.check(requests, contents)
        may_average = mean if all(request.kind.averaged for request in requests) and _alike(contents) else None
        timeout = self.rules.timeout_seconds if timeout is None else timeout
        self.rules.charge(round, requests)
        present, gone = self.rules.present(round, requests)
        leaves = tuple(request.leaf for request in present)
        exchange = Exchange(round, contents, may_average, leaves, next(self._exchanges), timeout)
        down = downward(exchange, requests, self._downlink.sizes(exchange, requests))
        gathered = self._gathered(exchange, present)
        outcomes = sorted([*gone, *gathered.outcomes], key=lambda outcome: outcome.request.position)
        self.rules.note(outcomes)
        self.log.add(round, down + upward(exchange, outcomes), outcomes)
        replies = _replies(sent, exchange, outcomes, gathered.total)
        return Answers((*errors[:below], *replies, *errors[below:]), tuple(outcomes))

    def _gathered(self, exchange: Exchange, requests: Sequence[Request]) -> Gathered:
        if is_over(exchange.timeout):
            return Gathered([Outcome(request, None, late_reason(exchange.timeout)) for request in requests])
        return self._exchange(exchange, requests) if requests else Gathered(())

    def _is_known(self, message: Message) -> bool:
        return message.has_content() and 0 <= silo_of(message.metadata.dst_node_id) < self.silos

    def _undelivered(self, message: Message) -> Message:
        """Return the error that answers a message which cannot be delivered; the others of its exchange can."""
        node = message.metadata.dst_node_id
        reason = f"there is no node {node}" if message.has_content() else f"the message to node {node} has no content"
        log.warning("%s; the nodes are %d to %d", reason, node_of(0), node_of(self.silos - 1))
        return error_reply(message, reason, NODE_UNAVAILABLE)


def _planned(sent: Sequence[Message], kind_of: Callable[[str], Kind]) -> tuple[tuple[RecordDict, ...], list[Request]]:
    """Return the contents of messages, each once, and the requests, in the order of the silos."""
    places: dict[int, int] = {}
    contents: list[RecordDict] = []
    silos = [silo_of(message.metadata.dst_node_id) for message in sent]
    asked = Counter(silos)
    bits, turns = (max(asked.values()) - 1).bit_length(), Counter[int]()
    requests, own = [], defaultdict[int, dict[int, int]](dict)
    for position, (message, silo) in enumerate(zip(sent, silos, strict=True)):
        content = message.content
        if id(content) not in places:
            places[id(content)] = len(contents)
            contents.append(viewed(content))
        leaf, turns[silo] = silo << bits | turns[silo], turns[silo] + 1
        kind = kind_of(message.metadata.message_type)
        place = own[silo].setdefault(id(content), len(own[silo]))
        requests.append(Request(position, silo, kind, places[id(content)], leaf, place))
    return tuple(contents), requests


def _alike(contents: Sequence[RecordDict]) -> bool:
    """Return whether all contents hold arrays of the same names and shapes, and ask the same of them back."""
    layouts = [
        (
            layers_of(content),
            [(name, list(record), [a.shape for a in record.values()]) for name, record in records.items()],
        )
        for content, records in ((content, array_records(content)) for content in contents)
    ]
    return all(layout == layouts[0] for layout in layouts)


def _replies(
    sent: Sequence[Message], exchange: Exchange, outcomes: Sequence[Outcome], total: Term | None
) -> tuple[Message, ...]:
    """Return the replies in the order of the silos, or the one that stands for all; errors come last."""
    good = [o for o in outcomes if o.content is not None]
    errors = [error_reply(sent[o.request.position], o.error or "no reply") for o in outcomes if o.content is None]
    if exchange.mean is None or total is None:
        return (*(_whole(exchange, o.request, o.content, sent) for o in good), *errors)  # type: ignore[arg-type]
    content = mean_reply(exchange, exchange.mean, good, total)
    return (_whole(exchange, good[0].request, content, sent), *errors)


def _whole(exchange: Exchange, request: Request, content: RecordDict, sent: Sequence[Message]) -> Message:
    """Return a reply, in it what did not travel."""
    return Message(completed(exchange.contents[request.content], content), reply_to=sent[request.position])
