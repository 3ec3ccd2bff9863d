"""A worker: runs the ClientApp for its silos, checks each reply, and sums where it is told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

from fedasr.common.randomness import Streams, kept_libraries, seed_libraries
from fedasr.grid.acceptance import Arrays, RefusedError, add_reply, deliver, in_order
from fedasr.grid.exchange import Exchange, GroupOutcome, Outcome, Request
from fedasr.grid.identity import identify, node_of
from fedasr.grid.silo_state import packed, unpacked
from fedasr.grid.sums import WeightedSum
from fedasr.messages.encoding import encode_reply
from fedasr.messages.records import array_record, envelope_bytes, own_copy
from fedasr.wire.codec import Codec

AppFactory = Callable[[], ClientApp]


NodeConfigs = Mapping[int, Mapping[str, Any]]
"""The Flower node configuration of each silo."""


class Worker:
    """Holds the contexts of silos and hands them their messages.

    Parameters
    ----------
    app_factory : callable
        Makes the ClientApp, here, once.
    node_configs : mapping
        The configuration of each silo's node.
    streams : Streams
        Seeds the libraries' global generators around each message, so that a ClientApp that draws
        from them gives the same bits in any worker.
    codec : Codec
        What arrays travel as, where their kind of message says so.
    is_far : bool
        The silos are elsewhere: what the app returns came encoded.
    """

    def __init__(
        self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams, codec: Codec, is_far: bool = False
    ) -> None:
        identify()
        self._app = app_factory()
        self._configs = node_configs
        self._streams = streams
        self._codec = codec
        self._is_far = is_far
        self._contexts: dict[int, Context] = {}

    def handle(self, exchange: Exchange, group: int, requests: Sequence[Request]) -> GroupOutcome:
        """Run the requests to one group of silos, in the order of the silos."""
        total = WeightedSum() if exchange.mean else None
        with kept_libraries():
            seeds = [self._seeds(exchange.round, request) for request in requests]
            outcomes = [
                self._one(exchange, request, words, total) for request, words in zip(requests, seeds, strict=True)
            ]
        stateful = any(self._is_stateful(request.silo) for request in requests)
        return GroupOutcome(group, tuple(outcomes), total.values if total else None, stateful)

    def _seeds(self, round: int, request: Request) -> list[int]:
        sequence = self._streams.sequence(f"app {request.kind.name}", round, request.silo)
        return [int(word) for word in sequence.generate_state(3, np.uint32)]

    def _one(self, exchange: Exchange, request: Request, seeds: Sequence[int], total: WeightedSum | None) -> Outcome:
        started = time.thread_time()
        message = Message(own_copy(exchange.contents[request.content]), node_of(request.silo), request.kind.name)
        message.metadata.group_id = str(exchange.round)
        try:
            seed_libraries(*seeds)
            reply = self._app(message, self._context(request.silo))
            if request.kind.coded and not self._is_far and reply.has_content():
                sent, state = exchange.contents[request.content], self._context(request.silo).state
                encode_reply(reply.content, sent, self._codec, state)
            seconds = time.thread_time() - started
            if reply.has_error():
                return Outcome(request, None, reply.error.reason, cpu_seconds=seconds)
            return self._accept(exchange, request, reply.content, total, seconds)
        except RefusedError as refusal:
            return Outcome(request, None, str(refusal), cpu_seconds=time.thread_time() - started)
        except Exception as failure:  # a silo's failure is its own: it must not end the others' round
            reason = f"{type(failure).__name__}: {failure}".splitlines()[0]
            return Outcome(request, None, reason, cpu_seconds=time.thread_time() - started)

    def _accept(
        self, exchange: Exchange, request: Request, content: RecordDict, total: WeightedSum | None,
        seconds: float,
    ) -> Outcome:  # fmt: skip
        sent = exchange.contents[request.content]
        delivered, blob_bytes = deliver(sent, content, self._codec, request.kind.coded)
        kept = {name: record for name, record in content.items() if name not in delivered}
        if total is None:
            kept |= {name: array_record(in_order(sent, name, arrays)) for name, arrays in delivered.items()}
        else:
            add_reply(total, sent, delivered, content, exchange.mean)
        return Outcome(request, RecordDict(kept), None, blob_bytes, envelope_bytes(content), seconds, tuple(delivered))

    def states(self, silos: Sequence[int]) -> list[tuple[int, Arrays]]:
        """Return what those of some silos that keep state keep, as arrays."""
        return [(silo, packed(self._contexts[silo].state)) for silo in silos if self._is_stateful(silo)]

    def restore(self, states: Sequence[tuple[int, Arrays]]) -> None:
        """Give silos the state that `states` returned."""
        for silo, arrays in states:
            self._context(silo).state = unpacked(arrays)

    def _is_stateful(self, silo: int) -> bool:
        return silo in self._contexts and bool(self._contexts[silo].state)

    def _context(self, silo: int) -> Context:
        if silo not in self._contexts:
            config = dict(self._configs[silo])
            self._contexts[silo] = Context(0, node_of(silo), config, RecordDict(), {})
        return self._contexts[silo]
