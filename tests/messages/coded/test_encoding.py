import numpy as np
import pytest
from flwr.app import ConfigRecord, MetricRecord, RecordDict

from fedasr.messages.coded.encoding import BLOB, decode_reply, encode_reply
from fedasr.messages.records import array_record, arrays_of
from fedasr.wire.codec import WireError
from fedasr.wire.codecs_by_name import CODECS, build_codec

SENT = {"b": np.float32([1, 2, 3]), "a": np.full((2, 2), 5, np.float32)}
LOSSY = [name for name in CODECS.known() if name != "dense"]


def _request() -> RecordDict:
    return RecordDict({"arrays": array_record(SENT), "config": ConfigRecord({"server-round": 1})})


def _reply(record: str, arrays: dict[str, np.ndarray]) -> RecordDict:
    return RecordDict({record: array_record(arrays), "metrics": MetricRecord({"num-examples": 3})})


@pytest.mark.parametrize("codec", LOSSY)
@pytest.mark.parametrize("record", ["arrays", "change"])
def test_both_ends_agree_and_what_is_lost_is_kept_for_the_next_message(codec: str, record: str) -> None:
    """A model travels as its difference from what was sent, a change as it is; their sums come out right."""
    change = {"b": np.float32([0.5, -0.25, 0]), "a": np.float32([[1, -1], [0.125, 0]])}
    value = {n: SENT[n] + change[n] for n in SENT} if record == "arrays" else change
    chosen, state = build_codec(codec, {}), RecordDict()
    total = {n: np.zeros_like(a, np.float64) for n, a in SENT.items()}
    for _ in range(30):
        content = _reply(record, dict(reversed(value.items())))
        encode_reply(content, _request(), chosen, state)
        assert list(content.array_records[record]) == [BLOB]
        ((name, arrays),) = decode_reply(content, _request(), chosen)[0].items()
        assert (name, list(arrays)) == (record, list(SENT))
        for key in SENT:
            total[key] += arrays[key] - (SENT[key] if record == "arrays" else 0)
    for key in SENT:
        np.testing.assert_allclose(total[key] / 30, change[key], atol=0.12)


def test_dense_replies_are_left_as_they_are() -> None:
    content, state = _reply("arrays", SENT), RecordDict()
    encode_reply(content, _request(), build_codec("dense", {}), state)
    assert list(arrays_of(content.array_records["arrays"])) == list(SENT)
    assert not state


def test_a_reply_that_is_not_one_blob_or_not_its_codecs_is_refused() -> None:
    codec = build_codec("int8", {})
    with pytest.raises(WireError, match="not one blob"):
        decode_reply(_reply("arrays", SENT), _request(), codec)
    content = _reply("arrays", {BLOB: np.frombuffer(b"nonsense", np.uint8)})
    with pytest.raises(WireError):
        decode_reply(content, _request(), codec)
    with pytest.raises(WireError, match="bytes"):
        decode_reply(_reply("arrays", {BLOB: np.float32([1])}), _request(), codec)
    other = _reply("arrays", SENT)
    encode_reply(other, _request(), build_codec("fp16", {}), RecordDict())
    with pytest.raises(WireError):
        decode_reply(other, _request(), codec)


def test_values_that_are_not_numbers_are_refused_and_the_residual_stays() -> None:
    codec, state = build_codec("threshold", {"tau": 0.25}), RecordDict()
    encode_reply(_reply("change", SENT), _request(), codec, state)
    ((remembered, record),) = state.array_records.items()
    before = {n: a.copy() for n, a in arrays_of(record).items()}
    with pytest.raises(WireError):
        encode_reply(_reply("change", {**SENT, "b": np.float32([0, np.nan, 0])}), _request(), codec, state)
    for name, array in arrays_of(state.array_records[remembered]).items():
        np.testing.assert_array_equal(array, before[name])
