import itertools

import numpy as np
import pytest

pytest.importorskip("espeakng_loader", reason="synthetic speech needs the extra 'synth'")

from fedasr.corpora.synthetic import espeak, synthetic_corpus
from fedasr.corpora.synthetic.phones import _EVENTS_IN_IPA, SILENCE, pronounced, pronunciations_in, spoken_phones
from fedasr.corpora.synthetic.voices import Voice, voices

VOICE = Voice("british", "Annie", 50, 50, 160)


def test_phones_are_those_of_the_words_in_time() -> None:
    phones = spoken_phones("six nine", VOICE)
    assert [phone.name for phone in phones if phone.name != SILENCE] == ["s", "ɪ", "k", "s", "n", "aɪ", "n"]
    starts = [phone.start_seconds for phone in phones]
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert starts[-1] <= len(espeak.speak("six nine", VOICE)) / espeak.RATE_HZ


def test_asking_for_phones_changes_no_sample_and_repeats() -> None:
    for voice in voices(3, 8):
        pieces: list[bytes] = []

        def collect(samples, count, events, pieces=pieces) -> int:
            if samples and count > 0:
                pieces.append(bytes(np.ctypeslib.as_array(samples, (count,)).tobytes()))
            return 0

        espeak.synthesise("turn the radio off", voice, collect, _EVENTS_IN_IPA)
        assert b"".join(pieces) == espeak.speak("turn the radio off", voice).tobytes()
        assert spoken_phones("turn the radio off", voice) == spoken_phones("turn the radio off", voice)


def test_a_hiss_hisses_where_it_is_said_to() -> None:
    """Of "mess" the sibilant crosses zero far more often than what stands before it."""
    samples = espeak.speak("mess", VOICE).astype(np.float64)
    bounds = [round(phone.start_seconds * espeak.RATE_HZ) for phone in spoken_phones("mess", VOICE)]
    names = [phone.name for phone in spoken_phones("mess", VOICE)]
    rates = {
        name: np.mean(np.diff(np.sign(samples[start:stop])) != 0)
        for name, (start, stop) in zip(names, itertools.pairwise([*bounds, len(samples)]), strict=True)
        if stop - start > 200
    }
    assert rates["s"] > 3 * max(rates["m"], rates["ɛ"])


def test_words_are_said_in_their_context() -> None:
    found = dict(pronunciations_in("wake me at four", VOICE))
    assert list(found) == ["wake", "me", "at", "four"]
    assert found["wake"] == ("w", "eɪ", "k")
    assert "in" not in dict(pronunciations_in("the fan in the hall", VOICE))  # said as one word with "the"
    assert pronounced(["wake", "-"]) == {"wake": ("w", "eɪ", "k")}


def test_each_utterance_of_a_corpus_has_its_phones() -> None:
    for utterance in synthetic_corpus(speakers=4, utterances_per_speaker=2, seed=1):
        said = [phone.name for phone in utterance.audio.phones() if phone.name != SILENCE]
        assert len(said) >= 2 * len(utterance.text.split()) - 2
