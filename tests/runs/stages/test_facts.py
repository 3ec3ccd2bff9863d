"""The digest of what is learnt from: speech is another where its copies at other speeds are."""

import numpy as np
from support.toy_speech import made_up

from fedasr.corpora.speech import Speech, held_speech
from fedasr.runs.stages.facts import examples_digest


def _sped(value: float) -> Speech:
    speech = made_up(2)
    features = [speech.features(index) for index in range(2)]
    return held_speech(speech.utterances, features, {(u.id, 0.9): np.full((4, 8), value) for u in speech.utterances})


def test_copies_are_part_of_speech_that_is_heard_at_their_speeds() -> None:
    assert examples_digest(_sped(0)) == examples_digest(_sped(1)) == examples_digest(made_up(2), (1.0,))
    zeros, ones, again = (examples_digest(_sped(value), (0.9, 1.0)) for value in (0, 1, 1))
    assert zeros != ones == again != examples_digest(_sped(1))
