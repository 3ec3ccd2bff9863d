"""What pseudo-silos of public speech make of a round, at the server."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flwr.app import ArrayRecord, Message, RecordDict

from fedasr.asr.recogniser import Weights
from fedasr.common.errors import RowError
from fedasr.common.files import Arrays
from fedasr.messages.kinds import Kind
from fedasr.messages.records import array_records, arrays_of, like_of
from fedasr.server.central import Central

Layout = Mapping[str, Mapping[str, str]]
"""For each record of a reply its arrays, each with the name under which it is published."""


def public_changes(central: Central, kind: Kind, sent: RecordDict, layout: Layout, round: int) -> list[Arrays]:
    """Return how each pseudo-silo changes the model that silos are sent, in the order of the pseudo-silos.

    Parameters
    ----------
    central : Central
    kind : Kind
        Of the message.
    sent : RecordDict
        What silos are sent.
    layout : Layout
        Of one record.
    round : int

    Raises
    ------
    RowError
        Where no pseudo-silo replies.
    """
    assert central.pseudo_silos is not None, "a row whose protection asks for pseudo-silos has some"
    grid = central.pseudo_silos()
    messages = [Message(sent, node, kind.name) for node in sorted(grid.get_node_ids())]
    answers = grid.exchange(messages, round=round, timeout=central.training.timeout_seconds)
    if not answers.answered:
        raise RowError(f"no pseudo-silo of public speech could train: {answers.failed[0].error}")
    taken = grid.log.drain_taken()
    if taken is not None:
        central.note_public(taken.private + taken.public)
    return [_change(reply.content, sent, layout) for reply in answers.good]


def _change(content: RecordDict, sent: RecordDict, layout: Layout) -> Arrays:
    ((record, names),) = layout.items()
    arrays, base = arrays_of(array_records(content)[record]), sent.get(record)
    if not isinstance(base, ArrayRecord):
        return {name: arrays[key] for key, name in names.items()}
    before = arrays_of(base)
    return {name: np.subtract(arrays[key], before[key], dtype=np.float64) for key, name in names.items()}


def way_back(start: Weights, sent: RecordDict, layout: Layout) -> Arrays:
    """Return the way from the model that silos are sent to the start; nothing where they are sent more than a model."""
    if len(layout) != 1:
        return {}
    ((record, names),) = layout.items()
    now = arrays_of(like_of(sent, record))
    return {name: start[key] - now[key] for key, name in names.items() if key in start}
