"""A fedasr grid over Flower's own: silos that live behind ``flwr run`` or real SuperNodes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from flwr.app import ConfigRecord, Context, Message
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Exchange, Gathered, Outcome, Request
from fedasr.grid.flower.identity import silo_of
from fedasr.grid.flower.registration import SILO_RECORD, Registered, find_silos, introduce, register, silo_record
from fedasr.grid.in_process import InProcess
from fedasr.grid.rules import RULES, Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.sums.acceptance import RefusedError
from fedasr.grid.sums.tree import sum_of
from fedasr.grid.worker import AppFactory, NodeConfigs, Worker
from fedasr.messages.elsewhere.introduction import Introduction
from fedasr.messages.elsewhere.receipt import Receipt
from fedasr.messages.traffic import Traffic

COST_RECORD = "fedasr.cost"
__all__ = ["COST_RECORD", "SILO_RECORD", "FlowerGrid", "FlowerWorkers", "cost_record", "find_silos", "silo_record"]


def cost_record(cpu_seconds: float) -> ConfigRecord:
    """Return what a reply says of its own making; taken off before anybody else reads the reply."""
    return ConfigRecord({"cpu-seconds": cpu_seconds})


class FlowerGrid(SiloGrid):
    """The silos behind another grid, each addressed by its own number.

    Flower delivers whole replies, in any order. They are checked, counted and, where a strategy
    declares it, averaged here, in the same tree as in a simulation: the model has the bits that
    `RayGrid` and `InProcessGrid` give. With each message a silo is told which of its replies was accepted last, and
    forgets what it kept of one that was not.

    Parameters
    ----------
    flower : flwr.serverapp.Grid
    nodes : mapping of int to int
        Flower's node id of each silo.
    streams : Streams
    rules : Rules
    """

    def __init__(self, flower: Grid, nodes: Mapping[int, int], streams: Streams, rules: Rules) -> None:
        super().__init__(len(nodes), rules)
        self._flower = flower
        self._nodes = nodes
        self._numbers = itertools.count(1)
        self._accepted: dict[int, int] = {}
        self._relay = _Relay()
        self._worker = Worker(lambda: self._relay, {silo: {} for silo in nodes}, streams, rules.codec, is_far=True)

    def silo_states(self) -> Iterator[tuple[int, Mapping[str, NDArray[Any]]]]:
        """Yield nothing: Flower keeps what its nodes keep."""
        return iter(())

    def restore_silos(self, states: Iterable[tuple[int, Mapping[str, NDArray[Any]]]]) -> None:
        """Do nothing, for the same reason."""

    def _exchange(self, exchange: Exchange, requests: Sequence[Request]) -> Gathered:
        outcomes = [outcome for wave in _waves(requests) for outcome in self._wave(exchange, wave)]
        return Gathered(outcomes, sum_of(exchange.leaves, self._worker.held()) if exchange.mean else None)

    def _wave(self, exchange: Exchange, requests: Sequence[Request]) -> list[Outcome]:
        """Run requests to as many silos, and remember whose reply was accepted."""
        numbers = {request.silo: next(self._numbers) for request in requests}
        messages = [self._message(exchange, request, numbers[request.silo]) for request in requests]
        silos = {node: silo for silo, node in self._nodes.items()}
        replies = self._flower.send_and_receive(messages, timeout=exchange.timeout)
        self._relay.hold({silos[reply.metadata.src_node_id]: reply for reply in replies}, exchange.timeout)
        outcomes = [self._with_cost(outcome) for outcome in self._worker.handle(exchange, requests)]
        self._accepted |= {o.request.silo: numbers[o.request.silo] for o in outcomes if o.content is not None}
        return outcomes

    def _message(self, exchange: Exchange, request: Request, number: int) -> Message:
        content, node = exchange.contents[request.content], self._nodes[request.silo]
        receipt = Receipt(number, self._accepted.get(request.silo, 0), request.place)
        return Message(receipt.added_to(content), node, request.kind.name, group_id=str(exchange.round))

    def _with_cost(self, outcome: Outcome) -> Outcome:
        """Put the silo's own processor time in the place of what the relay took."""
        return replace(outcome, cpu_seconds=self._relay.cpu_seconds.get(outcome.request.silo, 0.0))


def _waves(requests: Sequence[Request]) -> list[list[Request]]:
    """Divide requests so that each silo has its second message only when what became of its first is known."""
    waves: list[list[Request]] = []
    asked = Counter[int]()
    for request in requests:
        if asked[request.silo] == len(waves):
            waves.append([])
        waves[asked[request.silo]].append(request)
        asked[request.silo] += 1
    return waves


class _Relay(ClientApp):
    """Answers for each silo with the reply that Flower brought."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu_seconds: dict[int, float] = {}
        self._replies: dict[int, Message] = {}
        self._timeout: float | None = None

    def hold(self, replies: dict[int, Message], timeout: float | None) -> None:
        """Keep the replies of one exchange and take off what they say of their cost."""
        self._replies, self._timeout, self.cpu_seconds = replies, timeout, {}
        for silo, reply in replies.items():
            cost = reply.content.pop(COST_RECORD, None) if reply.has_content() else None
            if isinstance(cost, ConfigRecord):
                self.cpu_seconds[silo] = float(cast(float, cost["cpu-seconds"]))

    def __call__(self, message: Message, context: Context) -> Message:
        reply = self._replies.pop(silo_of(message.metadata.dst_node_id), None)
        if reply is None:
            raise RefusedError("no reply" if self._timeout is None else f"no reply within {self._timeout:g} s")
        return reply


class FlowerWorkers(InProcess):
    """Silos on Flower's nodes; everything that is the simulator's own, such as scoring, in this process.

    Parameters
    ----------
    flower : flwr.serverapp.Grid
        What Flower gives a ServerApp.
    wait_seconds : float
        How long nodes may take to register.
    """

    def __init__(self, flower: Grid, wait_seconds: float = 120.0) -> None:
        self._flower = flower
        self._wait_seconds = wait_seconds
        self._introduced: list[Traffic] = []
        self._registered: Registered | None = None

    def introduce(self, introduction: Introduction, silos: int) -> tuple[int, ...]:
        """Tell nodes with speech of their own of the row; return how many utterances each holds."""
        registered = self._registered = register(self._flower, silos, self._wait_seconds)
        if lacking := sorted(set(registered.nodes) - registered.with_own):
            raise RowError(
                f"the node of silo {lacking[0]} has no speech of its own; start its SuperNode with "
                "data='…' in --node-config, a manifest or its folder"
            )
        sizes, self._introduced = introduce(self._flower, registered.nodes, introduction, self._wait_seconds)
        return sizes

    def open_grid(
        self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams, rules: Rules = RULES
    ) -> SiloGrid:
        """Return a grid over the nodes of the silos; the nodes make their ClientApp themselves."""
        registered = self._registered or register(self._flower, len(node_configs), self._wait_seconds)
        if registered.with_own and not self._introduced:
            silo = min(registered.with_own)
            raise RowError(f"the node of silo {silo} has speech of its own; set corpus.partition = 'nodes'")
        grid = FlowerGrid(self._flower, registered.nodes, streams, rules)
        grid.log.traffic += self._introduced
        return grid
