import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corpora import whole
from support.sound import Samples, utterance

from fedasr.corpora.connected import JoinedAudio, connect
from fedasr.corpora.readers.manifest import read_manifest
from fedasr.corpora.utterance import Utterance


def _clips(counts: dict[str, int]) -> list[Utterance]:
    return [utterance(i, name, f"{name}{i}") for name, count in counts.items() for i in range(count)]


def _sources(joined: Utterance) -> tuple:
    return joined.audio.sources if isinstance(joined.audio, JoinedAudio) else (joined.audio,)


counts = st.dictionaries(st.sampled_from(["ann", "bob", "cem"]), st.integers(1, 17), min_size=1)


@given(counts=counts, seed=st.integers(0, 2**32), fewest=st.integers(1, 4), more=st.integers(0, 4))
def test_each_clip_is_used_once(counts: dict[str, int], seed: int, fewest: int, more: int) -> None:
    clips = _clips(counts)
    joined = connect(clips, clips=(fewest, fewest + more), seed=seed)
    used = [source for utterance in joined for source in _sources(utterance)]
    assert Counter(map(id, used)) == Counter(id(clip.audio) for clip in clips)
    assert all(len(_sources(utterance)) <= fewest + more for utterance in joined)
    assert len({utterance.id for utterance in joined}) == len(joined)
    assert sorted(" ".join(u.text for u in joined).split()) == sorted(clip.text for clip in clips)
    assert all(word.startswith(u.speaker) for u in joined for word in u.text.split())


@given(count=st.integers(2, 40), seed=st.integers(0, 2**32))
def test_with_two_clips_or_more_none_is_alone(count: int, seed: int) -> None:
    sizes = [len(_sources(u)) for u in connect(_clips({"ann": count}), seed=seed)]
    assert set(sizes) <= {2, 3, 4, 5}


def test_a_single_clip_stays_as_it_is() -> None:
    (clip,) = _clips({"ann": 1})
    assert connect([clip], seed=0) == (clip,)


@given(seed=st.integers(0, 2**32))
def test_neither_order_nor_other_speakers_matter(seed: int) -> None:
    clips = _clips({"ann": 9, "bob": 6})
    joined = connect(clips, seed=seed)
    assert connect(random.Random(seed).sample(clips, len(clips)), seed=seed) == joined
    alone = connect([clip for clip in clips if clip.speaker == "bob"], seed=seed)
    assert alone == tuple(u for u in joined if u.speaker == "bob")


def test_the_seed_matters() -> None:
    clips = _clips({"ann": 12})
    assert [u.text for u in connect(clips, seed=0)] != [u.text for u in connect(clips, seed=1)]


def test_text_duration_and_fields_follow() -> None:
    clips = [utterance(0), utterance(1)]
    clips[1] = Utterance("b", "ann", "no", 0.3, clips[1].audio, {"sex": "f", "age": "3"})
    (joined,) = connect(clips, seed=3, gap_seconds=(0.1, 0.1))
    assert sorted(joined.text.split()) == ["no", "yes"]
    assert joined.fields == {"sex": "f"}
    assert joined.duration_seconds == pytest.approx(0.7)
    assert len(joined.audio.read(16_000)) == round(0.7 * 16_000)


def test_gaps_are_as_quiet_as_the_quietest_frame() -> None:
    sources = (Samples(0), Samples(1))
    samples = JoinedAudio(sources, (0.1,)).read(16_000)
    gap = samples[4_800:-4_800]
    np.testing.assert_array_equal(samples[:4_800], sources[0].read(16_000))
    np.testing.assert_array_equal(samples[-4_800:], sources[1].read(16_000))
    assert len(gap) == 1_600
    assert 0.07 < gap.std() < 0.1


def test_fingerprints_tell_gaps_and_order_apart() -> None:
    first, second = Samples(0), Samples(1)
    prints = [
        JoinedAudio(*parts).fingerprint()
        for parts in (((first, second), (0.1,)), ((second, first), (0.1,)), ((first, second), (0.2,)))
    ]
    assert len(set(prints)) == 3
    assert JoinedAudio((first, second), (0.1,)).fingerprint() == prints[0]


def test_real_commands_are_connected(speech_data: Callable[[str], Path]) -> None:
    clips = whole(read_manifest(speech_data("speech_commands")))
    joined = connect(clips, seed=0)
    assert {u.speaker for u in joined} == {u.speaker for u in clips}
    assert len(joined) < 0.5 * len(clips)
    audio = joined[0].audio.read(16_000)
    assert len(audio) == pytest.approx(16_000 * joined[0].duration_seconds, abs=2)
