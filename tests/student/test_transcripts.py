"""The student is taught what was voted, and never what was said."""

import numpy as np
from support.toy_speech import made_up

from fedasr.student.transcripts import with_transcripts


def test_only_what_was_voted_is_taught() -> None:
    speech = made_up(5)
    found = with_transcripts(speech, {3: "seven", 0: "two two", 1: ""})
    assert [u.text for u in found.utterances] == ["seven", "two two"]
    assert [u.id for u in found.utterances] == [speech.utterances[3].id, speech.utterances[0].id]
    np.testing.assert_array_equal(found.features(0), speech.features(3))
    assert len(with_transcripts(speech, {})) == 0


def test_the_transcripts_of_public_speech_are_left_as_they_were() -> None:
    speech = made_up(2)
    before = [u.text for u in speech.utterances]
    with_transcripts(speech, {0: "other", 1: "words"})
    assert [u.text for u in speech.utterances] == before
