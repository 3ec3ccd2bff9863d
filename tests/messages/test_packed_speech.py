"""Speech as arrays: what was packed comes out again, copies at other speeds included."""

import numpy as np
import pytest
from support.toy_speech import made_up

from fedasr.corpora.alignment import Alignment
from fedasr.corpora.speech import Speech, held_speech
from fedasr.messages.packed_speech import packed, speeds_of, unpacked
from fedasr.messages.records import arrays_of
from fedasr.messages.speech_reply import SpeechReply

SPEEDS = (0.9, 1.0, 1.1)


def _sped(count: int) -> Speech:
    speech, random = made_up(count), np.random.default_rng(1)
    copies = {
        (u.id, speed): random.standard_normal((int(random.integers(5, 30)), 8)).astype(np.float16)
        for u in speech.utterances for speed in SPEEDS if speed != 1
    }  # fmt: skip
    features = [speech.features(index) for index in range(count)]
    return held_speech(speech.utterances, features, copies)


@pytest.mark.parametrize("count", [1, 4])
def test_copies_come_out_as_they_went_in(count: int) -> None:
    speech = _sped(count)
    arrays = packed(speech, SPEEDS)
    found = unpacked(speech.utterances, arrays)
    assert speeds_of(arrays) == (0.9, 1.1)
    for index in range(count):
        np.testing.assert_array_equal(found.features(index), speech.features(index))
        for speed in speeds_of(arrays):
            np.testing.assert_array_equal(found.features(index, speed), speech.features(index, speed))


def test_without_speeds_no_array_is_added() -> None:
    for speeds in ((), (1.0,)):
        assert packed(_sped(3), speeds).keys() == {"features", "frames", "seconds"}


def test_given_speech_has_its_alignments_where_they_are_asked_for() -> None:
    speech = made_up(3)
    numbers = [np.arange(speech.frames(index), dtype=np.uint16) % 3 for index in range(3)]
    aligned = {(u.id, "by"): Alignment(("", "a", "b"), of) for u, of in zip(speech.utterances, numbers, strict=True)}
    features = [speech.features(index) for index in range(3)]
    speech = held_speech(speech.utterances, features, None, aligned)
    found = SpeechReply.from_record(SpeechReply(speech, (), "by").to_record()).speech
    for index in range(3):
        assert found.alignment(index, "by").phones == ("", "a", "b")
        np.testing.assert_array_equal(found.alignment(index, "by").numbers_T, numbers[index])
    with pytest.raises(KeyError):
        SpeechReply.from_record(SpeechReply(speech).to_record()).speech.alignment(0, "by")


def test_given_speech_has_its_copies_and_they_are_sent() -> None:
    speech = _sped(3)
    record = SpeechReply(speech, SPEEDS).to_record()
    plain = SpeechReply(speech).to_record()
    reply = SpeechReply.from_record(record)
    assert reply.speeds == (0.9, 1.1)
    np.testing.assert_array_equal(reply.speech.features(2, 1.1), speech.features(2, 1.1))
    sizes = [sum(a.nbytes for a in arrays_of(r.array_records["speech"]).values()) for r in (record, plain)]
    copies = sum(speech.features(index, speed).nbytes for index in range(3) for speed in (0.9, 1.1))
    assert sizes[0] == sizes[1] + copies + 6 * 8 + 2 * 8  # their lengths, and the speeds
