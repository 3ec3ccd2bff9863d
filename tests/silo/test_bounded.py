"""How a reply's records reach a protection that bounds them, and come back."""

from __future__ import annotations

import numpy as np
from flwr.app import MetricRecord, RecordDict

from fedasr.common.files import Arrays
from fedasr.messages.records import ARRAYS, METRICS, array_record, arrays_of
from fedasr.protection.clipping.silo import SiloClipping
from fedasr.protection.none import Unprotected
from fedasr.silo.bounded import bounded_reply

SENT = RecordDict({ARRAYS: array_record({"w": np.float32([1, 1]), "b": np.float32(2)})})
REPLY = RecordDict({
    "variate-change": array_record({"w": np.float32([3, 0])}), METRICS: MetricRecord({"num-examples": 5}),
    ARRAYS: array_record({"w": np.float32([1, 5]), "b": np.float32(2)}),
})  # fmt: skip


def test_by_default_a_reply_is_what_the_silo_made() -> None:
    assert bounded_reply(Unprotected(), SENT, REPLY) is REPLY


def test_all_records_are_bounded_as_one_vector_and_nothing_else_is_touched() -> None:
    """A model moved by (0, 4), a change of (3, 0): five long together, so that half of both is left at 2.5."""
    found = bounded_reply(SiloClipping(2.5), SENT, REPLY)
    assert list(found) == list(REPLY)
    assert found[METRICS] == REPLY[METRICS]
    np.testing.assert_array_equal(arrays_of(found.array_records[ARRAYS])["w"], np.float32([1, 3]))
    np.testing.assert_array_equal(arrays_of(found.array_records[ARRAYS])["b"], np.float32(2))
    np.testing.assert_array_equal(arrays_of(found.array_records["variate-change"])["w"], np.float32([1.5, 0]))


class Asked(SiloClipping):
    """Writes down what it is asked."""

    def bounded(self, reply: Arrays, sent: Arrays) -> Arrays:
        self.asked.append((list(reply), list(sent)))  # type: ignore[attr-defined]
        return reply


def test_what_was_not_sent_in_that_shape_is_a_change() -> None:
    """The server refuses it afterwards; it is bounded until then."""
    plan = Asked(1.0)
    object.__setattr__(plan, "asked", asked := [])
    other = RecordDict({ARRAYS: array_record({"w": np.float32([1]), "b": np.float32(2), "x": np.float32(0)})})
    bounded_reply(plan, SENT, REPLY)
    bounded_reply(plan, SENT, other)
    assert asked == [
        (["arrays/w", "arrays/b", "variate-change/w"], ["arrays/w", "arrays/b"]),
        (["arrays/w", "arrays/b", "arrays/x"], ["arrays/b"]),
    ]


def test_a_reply_without_arrays_asks_nobody() -> None:
    nothing = RecordDict({METRICS: MetricRecord({"num-examples": 5})})
    assert bounded_reply(SiloClipping(0.0, "by-size"), SENT, nothing) is nothing
