"""Who is noisy, and who is heard under whom."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sound import Samples

from fedasr.common.errors import UserError
from fedasr.common.randomness import Streams
from fedasr.corpora.noisy.casting import noisy_names, plain_name, told_of_noise, with_noise
from fedasr.corpora.noisy.noise_spec import NoiseSpec
from fedasr.corpora.noisy.noisy_audio import NoisyAudio
from fedasr.corpora.partition import Partition
from fedasr.corpora.utterance import Utterance

SPEAKERS = {
    "silos": ("ann", "bob", "cem"), "labelled": ("pam", "pia"), "unlabelled": ("uma", "ugo"), "development": ("dan",),
    "test": ("tim", "tom"),
}  # fmt: skip
EACH = 20


def _said(speaker: str, count: int = EACH) -> list[Utterance]:
    return [
        Utterance(f"{speaker}/{n}", speaker, "yes", 0.3, Samples(hash((len(speaker), n)) % 1000)) for n in range(count)
    ]


UTTERANCES = [u for speakers in SPEAKERS.values() for speaker in speakers for u in _said(speaker)]
PARTITION = Partition(
    "natural", tuple(tuple(f"{name}/{n}" for n in range(5, EACH)) for name in SPEAKERS["silos"]), SPEAKERS["labelled"],
    SPEAKERS["unlabelled"], SPEAKERS["development"], SPEAKERS["test"],
    tuple(tuple(f"{name}/{n}" for n in range(5)) for name in SPEAKERS["silos"]),
)  # fmt: skip
PUBLIC = {*SPEAKERS["labelled"], *SPEAKERS["unlabelled"]}


def _cast(utterances=UTTERANCES, seed: int = 1, **spec) -> list[Utterance]:
    return with_noise(utterances, PARTITION, NoiseSpec(**{"share": 0.5, "babble_voices": 3, **spec}), Streams(seed))


def _noisy(utterances: list[Utterance]) -> dict[str, NoisyAudio]:
    return {u.id: u.audio for u in utterances if isinstance(u.audio, NoisyAudio)}


@given(seed=st.integers(0, 1000), voices=st.integers(1, 3))
def test_only_public_speakers_are_heard_under_speech_and_never_the_speaker(seed: int, voices: int) -> None:
    whose = {id(u.audio): u.speaker for u in UTTERANCES}
    made = _cast(seed=seed, babble_voices=voices, share=1.0, speech="training", test_snr_db=10.0)
    heard = [(u.speaker, [whose[id(voice)] for voice in u.audio.babble]) for u in made if u.id in _noisy(made)]
    assert len(heard) == 3 * (EACH - 5) + 4 * EACH + 2 * EACH
    for speaker, voiced in heard:
        assert len(set(voiced)) == len(voiced) == voices
        assert set(voiced) <= PUBLIC - {speaker}


def test_all_public_voices_are_heard() -> None:
    heard = {id(voice) for audio in _noisy(_cast(share=1.0)).values() for voice in audio.babble}
    # 255 draws of 80 recordings: each is missed with a probability of about e^(-255 / 80) = 4%, so 3 or 4 of them are.
    assert len(heard) > 65
    assert heard <= {id(u.audio) for u in UTTERANCES if u.speaker in PUBLIC}


@pytest.mark.parametrize(("speech", "public"), [("unlabelled", {"uma", "ugo"}), ("training", PUBLIC)])
def test_a_share_of_what_is_trained_on_is_noisy_and_nothing_that_is_held_out_or_scored(
    speech: str, public: set[str]
) -> None:
    learnt = {name for silo in PARTITION.silos for name in silo} | {u.id for u in UTTERANCES if u.speaker in public}
    assert set(_noisy(_cast(share=1.0, speech=speech))) == learnt
    half = set(_noisy(_cast(share=0.5, speech=speech)))
    # A binomial of n: its standard deviation is √n / 2, and four of those are passed once in 16,000 draws of a seed.
    assert half < learnt
    assert abs(len(half) - len(learnt) / 2) < 2 * len(learnt) ** 0.5


def test_a_larger_share_has_the_same_noise_and_more() -> None:
    fewer, more = (_noisy(_cast(share=share)) for share in (0.3, 0.6))
    assert len(fewer) < len(more)
    assert all(more[name] == audio for name, audio in fewer.items())


@given(seed=st.integers(0, 1000))
def test_what_is_drawn_for_an_utterance_depends_on_no_other_and_on_no_order(seed: int) -> None:
    whole = _noisy(_cast(seed=seed, test_snr_db=10.0))
    shuffled = random.Random(seed).sample(UTTERANCES, len(UTTERANCES))
    assert _noisy(_cast(shuffled, seed, test_snr_db=10.0)) == whole
    fewer = [u for u in UTTERANCES if u.speaker not in ("bob", "tom")]
    left = _noisy(_cast(fewer, seed, test_snr_db=10.0))
    assert left == {name: audio for name, audio in whole.items() if "bob" not in name and "tom" not in name}


def test_another_seed_is_other_noise_and_ratios_lie_where_they_are_asked_for() -> None:
    one, other = _noisy(_cast(share=1.0, snr_db=(3.0, 7.0))), _noisy(_cast(share=1.0, snr_db=(3.0, 7.0), seed=2))
    assert not any(one[name] == other[name] for name in one)
    ratios = sorted(audio.snr_db for audio in one.values())
    assert 3 <= ratios[0] < 3.3 < 6.7 < ratios[-1] <= 7


def test_all_but_the_audio_stays_and_the_recording_is_under_the_noise() -> None:
    made = _cast()
    assert [replace(u, audio=None) for u in made] == [replace(u, audio=None) for u in UTTERANCES]
    for was, now in zip(UTTERANCES, made, strict=True):
        assert (now.audio.source if isinstance(now.audio, NoisyAudio) else now.audio) is was.audio


def test_test_speech_stays_as_it_is_and_has_a_copy_at_the_ratio() -> None:
    made = _cast(share=0.0, test_snr_db=10.0)
    assert made[: len(UTTERANCES)] == UTTERANCES
    copies = made[len(UTTERANCES) :]
    tested = [u for u in UTTERANCES if u.speaker in SPEAKERS["test"]]
    assert [u.speaker for u in copies] == list(noisy_names(u.speaker for u in tested))
    assert [plain_name(u.speaker) for u in copies] == [u.speaker for u in tested]
    assert [(u.text, u.audio.source) for u in copies] == [(u.text, u.audio) for u in tested]
    assert {u.audio.snr_db for u in copies} == {10.0}
    assert not {u.id for u in copies} & {u.id for u in UTTERANCES}
    assert not {u.speaker for u in copies} & {u.speaker for u in UTTERANCES}


def test_off_it_changes_nothing_and_asks_for_no_public_speech() -> None:
    alone = [u for u in UTTERANCES if u.speaker not in PUBLIC]
    assert with_noise(alone, PARTITION, NoiseSpec(), Streams(1)) == alone


def test_how_much_is_noisy_is_told() -> None:
    assert told_of_noise(UTTERANCES, NoiseSpec()) == ""
    both = {"share": 1.0, "test_snr_db": 10.0, "snr_db": (3.0, 7.5), "babble_voices": 3}
    assert told_of_noise(_cast(**both), NoiseSpec(**both)) == (
        "noise: 85 utterances that are trained on, at 3 to 7.5 dB, 40 of test speech once more, at 10 dB; "
        "3 public voices, room 0.3 s"
    )


def test_too_few_public_speakers_are_refused_and_a_room_alone_needs_none() -> None:
    with pytest.raises(UserError, match=r"babble_voices: 5 voices are to speak under 'ann/\d+', and there are 4 other"):
        _cast(babble_voices=5)
    with pytest.raises(UserError, match=r"under 'pam/\d+', and there are 3 other"):
        _cast([u for u in UTTERANCES if u.speaker in PUBLIC], babble_voices=4, speech="training")
    alone = [u for u in UTTERANCES if u.speaker not in PUBLIC]
    assert {audio.babble for audio in _noisy(_cast(alone, babble_voices=0)).values()} == {()}
