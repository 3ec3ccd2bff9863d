"""Only what is trained travels: what a message declares to come back, both ends agree on."""

import numpy as np
import pytest
from flwr.app import ConfigRecord, MetricRecord, RecordDict

from fedasr.common.errors import UserError
from fedasr.messages.coded.encoding import decode_reply, encode_reply
from fedasr.messages.coded.returned import asked_back, completed, layers_of
from fedasr.messages.records import array_record, arrays_of
from fedasr.messages.train_request import TrainRequest
from fedasr.wire.codec import WireError
from fedasr.wire.codecs_by_name import CODECS, build_codec

SENT = {
    "encoder.a": np.full((30, 40), 2, np.float32),
    "ctc.b": np.float32([1, 2, 3, 4, 5, 6, 7, 8]),
    "encoder.c": np.float32([9]),
    "ctc.d": np.full((2, 2), 5, np.float32),
}
CHOSEN = {"ctc.b": SENT["ctc.b"] + np.float32(0.5), "ctc.d": SENT["ctc.d"] - np.float32(1)}
LOSSY = [name for name in CODECS.known() if name != "dense"]


def _request(*layers: str) -> RecordDict:
    return TrainRequest(SENT, 1, layers=layers).to_record()


def _reply(record: str = "arrays", arrays: dict[str, np.ndarray] = CHOSEN) -> RecordDict:
    return RecordDict({record: array_record(arrays), "metrics": MetricRecord({"num-examples": 3})})


def test_a_message_that_names_no_layers_asks_for_all() -> None:
    assert layers_of(_request()) == ()
    assert list(asked_back(_request(), array_record(SENT))) == list(SENT)
    content = _reply(arrays=SENT)
    assert completed(_request(), content) is content


def test_patterns_choose_in_the_order_that_was_sent() -> None:
    assert list(asked_back(_request("*.d", "ctc.*"), array_record(SENT))) == ["ctc.b", "ctc.d"]
    assert TrainRequest.from_record(_request("ctc.*")).layers == ("ctc.*",)
    with pytest.raises(UserError, match="adapter"):
        asked_back(_request("adapter.*"), array_record(SENT))


def test_what_did_not_travel_is_as_it_was_sent_in_a_model_and_zero_in_a_change() -> None:
    model = arrays_of(completed(_request("ctc.*"), _reply()).array_records["arrays"])
    assert list(model) == list(SENT)
    for name, array in model.items():
        np.testing.assert_array_equal(array, CHOSEN.get(name, SENT[name]))
        assert array.dtype == np.float32
    change = arrays_of(completed(_request("ctc.*"), _reply("change")).array_records["change"])
    assert list(change) == list(SENT)
    for name, array in change.items():
        np.testing.assert_array_equal(array, CHOSEN.get(name, np.zeros_like(SENT[name])))


@pytest.mark.parametrize("codec", LOSSY)
@pytest.mark.parametrize("record", ["arrays", "change"])
def test_a_codec_encodes_what_comes_back_and_no_more(codec: str, record: str) -> None:
    chosen, state, content = build_codec(codec, {}), RecordDict(), _reply(record)
    encode_reply(content, _request("ctc.*"), chosen, state)
    delivered, size = decode_reply(content, _request("ctc.*"), chosen)
    assert list(delivered[record]) == list(CHOSEN)
    whole = _reply(record, {**SENT, **CHOSEN})
    encode_reply(whole, _request(), chosen, RecordDict())
    # An array more costs a codec bytes, if only that of an empty gap; here three quarters of 4 KB are not sent.
    assert size <= decode_reply(whole, _request(), chosen)[1]
    left = [arrays_of(record)["residual"] for record in state.array_records.values() if "residual" in record]
    assert [residual.size for residual in left] in ([], [sum(array.size for array in CHOSEN.values())])


@pytest.mark.parametrize("arrays", [SENT, {"ctc.b": SENT["ctc.b"]}, {**CHOSEN, "encoder.c": SENT["encoder.c"]}])
def test_more_or_less_than_was_asked_for_is_not_encoded(arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(WireError, match="asked for"):
        encode_reply(_reply(arrays=arrays), _request("ctc.*"), build_codec("int8", {}), RecordDict())


def test_a_message_without_arrays_is_left_alone() -> None:
    sent = RecordDict({"config": ConfigRecord({"layers": ["ctc.*"]})})
    content = _reply("answer", {"answer": np.float32([1])})
    assert list(arrays_of(completed(sent, content).array_records["answer"])) == ["answer"]
