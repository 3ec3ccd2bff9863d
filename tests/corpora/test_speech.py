"""Speech whose transcripts nobody may read."""

import numpy as np
import pytest
from support.toy_speech import TOKENS, made_up

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.corpora.speech import Speech, UntranscribedError
from fedasr.corpora.stores.joined import joined
from fedasr.student.transcripts import with_transcripts
from fedasr.training.batches import training_batch


@pytest.fixture
def heard() -> Speech:
    return made_up(6).untranscribed()


def test_what_is_said_stays_and_what_it_means_goes(heard: Speech) -> None:
    speech = made_up(6)
    assert [u.id for u in heard.utterances] == [u.id for u in speech.utterances]
    assert heard.speakers == speech.speakers
    for index in range(6):
        np.testing.assert_array_equal(heard.features(index), speech.features(index))
        assert speech.text(index)
        with pytest.raises(UntranscribedError, match=f"u{index}: "):
            heard.text(index)
    assert not any(u.text for u in heard.utterances), "not even those who go past text()"


def test_a_part_of_it_and_a_whole_with_it_are_no_more_readable(heard: Speech) -> None:
    for speech in (heard.of_speakers(["u1"]), joined([made_up(2, name="v"), heard]), joined([heard])):
        assert len(speech)
        with pytest.raises(UntranscribedError):
            speech.text(0)
    assert joined([made_up(2, name="v"), made_up(2)]).text(3)


def test_training_on_it_is_refused_until_somebody_transcribes_it(heard: Speech) -> None:
    def batch(speech: Speech) -> object:
        return training_batch(speech, [0, 1], TOKENS, NO_AUGMENTATION, np.random.default_rng(0))

    with pytest.raises(UntranscribedError):
        batch(heard)
    assert batch(with_transcripts(heard, {3: "a", 4: "b"}))
