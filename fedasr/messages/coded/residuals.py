"""Whose residual is whose: a codec's memory is kept apart for each model that a silo is sent.

What a codec left behind of one model's change is of no use to another model. Two messages are about the same model
where they are of one kind, hold arrays of the same names and shapes, and name the same model: by the key ``model`` of
the message's configuration, which a strategy with several (one a cluster, say) sets; without it by the place of their
content among the contents that the silo is sent in one exchange, so that of two models that are always sent in the
same order each keeps its own.
"""

from __future__ import annotations

import zlib

from flwr.app import ConfigRecord, RecordDict

from fedasr.wire.codec import Layout

STATE = "codec"
"""The records of a silo's state in which its codec keeps what it must remember begin so."""
MODEL = "model"
"""The key of a message's configuration that names the model."""


def model_of(kind: str, content: RecordDict, place: int) -> str:
    """Return a name of the model that a message is about.

    Parameters
    ----------
    kind : str
        Of the message.
    content : RecordDict
        What the silo is sent.
    place : int
        Of the content, among those that the silo is sent in the exchange.
    """
    told = [record[MODEL] for record in content.values() if isinstance(record, ConfigRecord) and MODEL in record]
    return f"{kind}/{told[0]!r}" if told else f"{kind}:{place}"


def record_name(model: str, layout: Layout) -> str:
    """Return the record of a silo's state for a model of a layout."""
    return f"{STATE}/{model}/{zlib.crc32(repr(layout).encode()):08x}"


def forget_residuals(state: RecordDict) -> None:
    """Take all that a codec keeps off a silo's state: it is of no use to another codec."""
    for name in [name for name in state if name.startswith(f"{STATE}/")]:
        del state[name]
