"""What passes between a grid and its workers: work for silos, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flwr.app import Message, RecordDict

from fedasr.grid.sums.terms import Term
from fedasr.messages.kinds import Kind
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.clipping.bounds import NO_LAYERS
from fedasr.training.taken import Taken


@dataclass(frozen=True)
class Mean:
    """Averaging where the replies are made.

    Attributes
    ----------
    weight : str
        The metric of a reply that weights its arrays (Flower's ``num-examples``).
    clip_norm : float, optional
        All that a reply would change is scaled down together to this L2 norm before it is summed, every reply
        weighs one, and the one reply holds the *sum* of the changes, in float64. Whatever else a silo says stays there.
    grid : NoiseGrid, optional
        With `clip_norm`: what is summed is whole numbers of its steps, so that the sum is exact.
    layer_bounds : str
        How `clip_norm` is divided among arrays that are cut one by one: `fedasr.protection.clipping.bounds.Bounds`.
    """

    weight: str = "num-examples"
    clip_norm: float | None = None
    grid: NoiseGrid | None = None
    layer_bounds: str = NO_LAYERS


@dataclass(frozen=True)
class Request:
    """One message to one silo.

    Attributes
    ----------
    position : int
        Its place among the messages of the exchange.
    silo : int
    kind : Kind
    content : int
        The index of its content among the contents of the exchange.
    leaf : int
        Its leaf in the tree in which replies are added up: the silo's number, where a silo is asked once.
    place : int
        The place of its content among those that its silo is sent in the exchange.
    """

    position: int
    silo: int
    kind: Kind
    content: int
    leaf: int = 0
    place: int = 0


@dataclass(frozen=True)
class Exchange:
    """What all requests of one exchange share.

    Attributes
    ----------
    round : int
    contents : tuple of RecordDict
        Each content once, however many silos it goes to.
    mean : Mean or None
        How replies are averaged; None sends them whole.
    leaves : tuple of int
        Those of all its requests, rising.
    number : int
        Tells the exchanges of a grid apart.
    timeout : float or None
        Seconds that a silo may take for one message, from when its work begins.
    """

    round: int
    contents: tuple[RecordDict, ...]
    mean: Mean | None = None
    leaves: tuple[int, ...] = ()
    number: int = 0
    timeout: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one request.

    Attributes
    ----------
    request : Request
    content : RecordDict or None
        The reply; where replies are averaged, without its arrays.
    error : str or None
        Why there is no reply.
    uplink_blob_bytes, uplink_envelope_bytes : int
        The reply's size as encoded.
    cpu_seconds : float
        Processor time of the silo's work.
    records : tuple of str
        The names of the reply's array records.
    stateful : bool
        Whether the silo now keeps state between messages.
    types : tuple of numpy.dtype
        The types of the arrays that entered the sum, in the order in which they were sent.
    view : mapping of str to object
        The metrics that the silo made, whether they left it or not: the simulator's view.
    taken : Taken or None
        The gradients that the silo took for the message, whatever became of its reply: the simulator's view. None where
        they were not counted.
    heard_seconds : float or None
        Seconds of speech that training read for the message: the simulator's view, too. None where the silo is
        elsewhere.
    dropped_out : bool
        Whether it is the simulated network that has it so: the silo was not asked.
    """

    request: Request
    content: RecordDict | None
    error: str | None
    uplink_blob_bytes: int = 0
    uplink_envelope_bytes: int = 0
    cpu_seconds: float = 0.0
    records: tuple[str, ...] = ()
    stateful: bool = False
    types: tuple[np.dtype[Any], ...] = ()
    view: Mapping[str, Any] = field(default_factory=dict)
    taken: Taken | None = None
    heard_seconds: float | None = None
    dropped_out: bool = False

    @property
    def audio_seconds(self) -> float | None:
        """Seconds of speech that training read: as the silo says, or, where it may not say, as the simulator saw."""
        told = self.metric("audio-seconds")
        return self.heard_seconds if told is None else told

    def metric(self, name: str) -> float | None:
        """Return a number of the silo's metrics, None where it has none of that name."""
        value = self.view.get(name)
        return float(value) if isinstance(value, (int, float)) else None


@dataclass(frozen=True)
class Answers:
    """What came of one exchange.

    Attributes
    ----------
    replies : tuple of Message
        In the order of the silos, or the one that stands for all; then an error for each silo without a reply. Errors
        for nodes that do not exist stand before or after all of these, by their numbers.
    outcomes : tuple of Outcome
        One for each message that was sent, in the order of the silos.
    """

    replies: tuple[Message, ...] = ()
    outcomes: tuple[Outcome, ...] = ()

    @property
    def good(self) -> list[Message]:
        """The replies that are no errors."""
        return [reply for reply in self.replies if not reply.has_error()]

    @property
    def failed(self) -> list[Outcome]:
        """What came of the messages without a reply."""
        return [outcome for outcome in self.outcomes if outcome.content is None]

    @property
    def answered(self) -> int:
        """How many messages have a reply, also where one stands for all."""
        return len(self.outcomes) - len(self.failed)


@dataclass(frozen=True)
class Gathered:
    """What came of the requests of one exchange.

    Attributes
    ----------
    outcomes : sequence of Outcome
        One for each, in any order.
    total : Term or None
        The weighted sum of the replies' arrays, where replies are averaged and there is one.
    """

    outcomes: Sequence[Outcome]
    total: Term | None = None
