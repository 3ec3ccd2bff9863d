"""A worker: runs the ClientApp for its silos, checks each reply, and sums where it is told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

from fedasr.common.plug_ins import told
from fedasr.common.randomness import Streams, kept_libraries, seed_libraries
from fedasr.grid.exchange import Exchange, Outcome, Request
from fedasr.grid.flower.identity import identify, node_of
from fedasr.grid.silo_state import packed, unpacked
from fedasr.grid.sums.acceptance import Arrays, RefusedError, deliver, in_order, term_of
from fedasr.grid.sums.terms import Reply
from fedasr.grid.sums.tree import Subtotal, TreeSum
from fedasr.grid.time_limit import LateError, late_reason, time_limit
from fedasr.messages.coded.encoding import encode_reply
from fedasr.messages.coded.residuals import model_of
from fedasr.messages.records import array_record, arrays_alone, envelope_bytes, metric_record, own_copy, viewed
from fedasr.training.taken import metered
from fedasr.wire.codec import Codec

AppFactory = Callable[[], ClientApp]
NodeConfigs = Mapping[int, Mapping[str, Any]]
"""The Flower node configuration of each silo."""
AT_ONCE = 4
"""Replies that are gathered before they are added up: more take memory and save little more."""


@dataclass(frozen=True)
class Attempt:
    """What came of one request: its outcome, how its reply enters the sum, and what the silo keeps after it."""

    outcome: Outcome
    reply: Reply | None = None
    kept: RecordDict | None = None


class Worker:
    """Holds what silos keep between messages, and hands them their messages.

    A silo works on a copy of what it keeps. The copy takes the place of the original once the silo's reply has been
    accepted and summed: a message without such a reply leaves no trace in the silo. No array is copied for it;
    arrays that are kept, or that several silos are sent, cannot be written to.

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
        self._kept: dict[int, RecordDict] = {}
        self._sum: tuple[int, TreeSum] | None = None

    def handle(self, exchange: Exchange, requests: Sequence[Request]) -> list[Outcome]:
        """Run some requests of an exchange; where replies are averaged, keep the sum until it is asked for."""
        total = self._sum_of(exchange)
        with kept_libraries():
            seeds = [self._seeds(exchange.round, request) for request in requests]
            return [self._one(exchange, request, words, total) for request, words in zip(requests, seeds, strict=True)]

    def held(self) -> list[Subtotal]:
        """Return what was added up of the last exchange, and forget it."""
        parts = self._sum[1].settled() if self._sum is not None else []
        self._sum = None
        return parts

    def _sum_of(self, exchange: Exchange) -> TreeSum | None:
        if exchange.mean is None:
            return None
        if self._sum is None or self._sum[0] != exchange.number:
            self._sum = (exchange.number, TreeSum(exchange.leaves, AT_ONCE))
        return self._sum[1]

    def _seeds(self, round: int, request: Request) -> list[int]:
        sequence = self._streams.sequence(f"app {request.kind.name}", round, request.silo)
        return [int(word) for word in sequence.generate_state(3, np.uint32)]

    def _one(self, exchange: Exchange, request: Request, seeds: Sequence[int], total: TreeSum | None) -> Outcome:
        """Run one request; whatever goes wrong is its own outcome, and must not end the others' round."""
        started = time.thread_time()
        seed_libraries(*seeds)
        with metered() as meter:
            attempt = self._attempted(exchange, request)
        if total is not None:
            total.add(request.leaf, attempt.reply)
        if attempt.kept is not None:
            self._kept[request.silo] = attempt.kept
        spent = attempt.outcome.cpu_seconds or time.thread_time() - started
        stateful = self._is_stateful(request.silo)
        return replace(
            attempt.outcome, cpu_seconds=spent, stateful=stateful, taken=meter.taken, heard_seconds=meter.seconds
        )

    def _attempted(self, exchange: Exchange, request: Request) -> Attempt:
        """Return what comes of a request; what the silo keeps stays as it is."""
        try:
            started, context = time.thread_time(), self._context(request.silo)
            with time_limit(exchange.timeout):
                content = self._replied(exchange, request, context)
            seconds = time.thread_time() - started
            outcome, reply = self._accepted(exchange, request, content)
            return Attempt(replace(outcome, cpu_seconds=seconds), reply, viewed(context.state))
        except RefusedError as refusal:
            reason = str(refusal)
        except LateError:
            reason = late_reason(exchange.timeout)
        except Exception as failure:
            reason = told(failure)
        return Attempt(Outcome(request, None, reason))

    def _replied(self, exchange: Exchange, request: Request, context: Context) -> RecordDict:
        """Return what the app replies, as it travels."""
        sent = exchange.contents[request.content]
        message = Message(own_copy(sent), node_of(request.silo), request.kind.name)
        message.metadata.group_id = str(exchange.round)
        reply = self._app(message, context)
        if reply.has_error():
            raise RefusedError(reply.error.reason)
        if request.kind.coded and not self._is_far:
            model = model_of(request.kind.name, sent, request.place)
            encode_reply(reply.content, sent, self._codec, context.state, model)
        return reply.content

    def _accepted(self, exchange: Exchange, request: Request, content: RecordDict) -> tuple[Outcome, Reply | None]:
        """Return what came of a reply, checked, and how it enters the sum."""
        sent, view = exchange.contents[request.content], metric_record(content)
        if exchange.mean is not None and exchange.mean.clip_norm is not None:
            content = arrays_alone(content)
        delivered, blob_bytes = deliver(sent, content, self._codec, request.kind.coded)
        kept = {name: record for name, record in content.items() if name not in delivered}
        reply = None if exchange.mean is None else term_of(request.kind, sent, delivered, content, exchange.mean)
        if reply is None:
            kept |= {name: array_record(in_order(sent, name, arrays)) for name, arrays in delivered.items()}
        size, types = envelope_bytes(content), () if reply is None else reply.types
        outcome = Outcome(
            request, RecordDict(kept), None, blob_bytes, size, records=tuple(delivered), types=types, view=dict(view)
        )
        return outcome, reply

    def states(self, silos: Sequence[int]) -> list[tuple[int, Arrays]]:
        """Return what those of some silos that keep state keep, as arrays."""
        return [(silo, packed(self._kept[silo])) for silo in silos if self._is_stateful(silo)]

    def restore(self, states: Sequence[tuple[int, Arrays]]) -> None:
        """Give silos the state that `states` returned."""
        self._kept |= {silo: viewed(unpacked(arrays)) for silo, arrays in states}

    def _is_stateful(self, silo: int) -> bool:
        return bool(self._kept.get(silo))

    def _context(self, silo: int) -> Context:
        """Return what an app is given for one message: the silo's own configuration, and a copy of what it keeps."""
        kept = self._kept.get(silo)
        return Context(0, node_of(silo), dict(self._configs[silo]), own_copy(kept) if kept else RecordDict(), {})
