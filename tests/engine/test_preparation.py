"""What is prepared: copies at other speeds, and noise, of speech that may be trained on and of nobody else's."""

from pathlib import Path

import numpy as np
import pytest
from support.unequal import unequal_table

from fedasr.corpora.speech import Speech
from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment


def _prepared(corpus: object, **changes: object) -> Prepared:
    table = unequal_table(corpus, **changes)  # type: ignore[arg-type]
    table["corpus"]["held_out"] = 0.4
    return prepare_experiment(Experiment.from_table(table), 1, Watcher())


def _none(speech: Speech) -> bool:
    for index in range(len(speech)):
        for speed in (0.9, 1.1):
            with pytest.raises(KeyError):
                speech.features(index, speed)
    return len(speech) > 0


def test_held_out_development_and_test_speech_has_no_copies(unequal_corpus: object) -> None:
    prepared = _prepared(unequal_corpus, augment={"speeds": [0.9, 1.0, 1.1]})
    learnt = [prepared.silo_speech(silo, 99) for silo in range(len(prepared.partition.silos))]
    learnt += [prepared.part("public_labelled"), prepared.part("public_unlabelled").untranscribed()]
    for speech in learnt:
        assert len(speech)
        for index in range(len(speech)):
            frames = speech.frames(index)
            slower, faster = (len(speech.features(index, speed)) for speed in (0.9, 1.1))
            # A frame begins every 10 ms, and a copy's samples are rounded.
            assert abs(slower - frames / 0.9) < 1.2
            assert abs(faster - frames / 1.1) < 1.2
    assert all(_none(prepared.part(name)) for name in ("development", "test"))
    assert _none(prepared.held_out)


def test_no_speeds_and_speed_1_alone_leave_the_features_as_they_are(unequal_corpus: object) -> None:
    plain = _prepared(unequal_corpus)
    assert _prepared(unequal_corpus, augment={"speeds": [1.0]}).digest == plain.digest
    assert _prepared(unequal_corpus, augment={"speeds": [1.1]}).digest != plain.digest


def test_noise_is_another_corpus_of_the_same_partition_texts_and_lengths(unequal_corpus: Path) -> None:
    plain, noisy = (_noisy(unequal_corpus, share) for share in (0.0, 1.0))
    assert noisy.digest != plain.digest == _prepared(unequal_corpus).digest
    assert (noisy.partition, noisy.tokens) == (plain.partition, plain.tokens)
    assert [u.duration_seconds for u in noisy.speech.utterances] == [
        u.duration_seconds for u in plain.speech.utterances
    ]
    learnt = {name for silo in plain.partition.silos for name in silo}
    learnt |= {u.id for u in plain.part("public_unlabelled").utterances}
    for place, utterance in enumerate(plain.speech.utterances):
        is_same = np.array_equal(plain.speech.features(place), noisy.speech.features(place))
        assert is_same == (utterance.id not in learnt)


def test_every_seed_of_a_corpus_has_the_same_noise_and_every_draw_another(unequal_corpus: Path) -> None:
    """Seeds of a comparison train on one corpus, divided by the experiment's own seed."""
    one, same, other = (_noisy(unequal_corpus, 0.5, **more) for more in ({}, {"seeds": [1, 2]}, {"seed": 114}))
    assert one.digest == same.digest != other.digest


def _noisy(corpus: Path, share: float, **changes: object) -> Prepared:
    table = unequal_table(corpus, **changes)
    table["corpus"] |= {"held_out": 0.4, "noise": {"share": share, "babble_voices": 2} if share else {}}
    return prepare_experiment(Experiment.from_table(table), 1, Watcher())
