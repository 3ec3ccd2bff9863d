import hashlib
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("espeakng_loader", reason="synthetic speech needs the extra 'synth'")

from fedasr.common.errors import UserError
from fedasr.corpora.synthetic import ACCENTS, GRAMMARS, espeak, synthetic_corpus, voices
from fedasr.corpora.synthetic.grammar import DIGITS, grammar_named
from fedasr.corpora.synthetic.voices import VARIANTS, Voice

DIGEST = """
import hashlib
from fedasr.corpora.synthetic import synthetic_corpus
for u in reversed(synthetic_corpus(speakers=24, utterances_per_speaker=2, seed=5)):
    print(u.id, hashlib.sha256(u.audio.read(16_000).tobytes()).hexdigest())
"""


def _digests(utterances) -> dict[str, str]:
    return {u.id: hashlib.sha256(u.audio.read(16_000).tobytes()).hexdigest() for u in utterances}


def test_the_bits_depend_on_neither_order_nor_process() -> None:
    utterances = synthetic_corpus(speakers=24, utterances_per_speaker=2, seed=5)
    forward = _digests(utterances)
    assert _digests(random.Random(0).sample(utterances, len(utterances))) == forward
    fresh = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True)
    assert dict(line.split() for line in fresh.stdout.splitlines()) == forward


def test_every_timbre_is_audible_and_unlike_the_others() -> None:
    spoken = [espeak.speak("nine lights", Voice("british", variant, 50, 50, 175)) for variant in VARIANTS]
    assert len({samples.tobytes() for samples in spoken}) == len(VARIANTS) == 102
    assert all(0.5 < len(samples) / espeak.RATE_HZ < 2.5 for samples in spoken)
    assert all(samples.astype(float).std() > 300 for samples in spoken)


def test_accents_pitch_and_rate_are_heard() -> None:
    voice = Voice("british", "m3", 50, 50, 175)
    changed = [replace(voice, accent=accent) for accent in ACCENTS]
    changed += [
        replace(voice, pitch=70),
        replace(voice, pitch_range=70),
        replace(voice, words_per_minute=130),
    ]
    assert len({espeak.speak("turn the radio down", v).tobytes() for v in changed}) == len(changed)


def test_voices_are_distinct_and_prefixes_of_more() -> None:
    many = voices(7, 2_000)
    assert len({voice.id for voice in many}) == 2_000
    assert voices(7, 30) == many[:30]
    assert voices(8, 30) != many[:30]
    assert {v.accent for v in many[:8]} == set(ACCENTS)
    assert len({(v.accent, v.variant) for v in many[:816]}) == 816


def test_voices_of_some_accents() -> None:
    assert [v.accent for v in voices(0, 4, ["scottish", "american"])] == ["scottish", "american"] * 2
    assert voices(0, 4, []) == voices(0, 4)
    with pytest.raises(UserError, match="unknown accent 'scotish'; did you mean 'scottish'"):
        voices(0, 4, ["scotish"])


def test_corpus_is_a_part_of_a_larger_one() -> None:
    small = synthetic_corpus(speakers=3, utterances_per_speaker=2, grammar="digits", seed=1)
    large = synthetic_corpus(speakers=5, utterances_per_speaker=4, grammar="digits", seed=1)
    assert set(_keys(small)) < set(_keys(large))
    assert len({u.id for u in large}) == 20
    assert [u.fields["accent"] for u in large[::4]] == list(ACCENTS)[:5]
    assert not set(_keys(large)) & set(
        _keys(synthetic_corpus(speakers=5, utterances_per_speaker=4, grammar="digits", seed=2))
    )


def _keys(utterances) -> list[tuple[str, str, str]]:
    return [(u.id, u.text, u.audio.fingerprint()) for u in utterances]


def test_recipe_is_kept() -> None:
    (found,) = synthetic_corpus(speakers=1, utterances_per_speaker=1, seed=3)
    loud = replace(found.audio, level_db=-10.0, noise_snr_db=300.0)
    samples = loud.read(16_000)
    assert 20 * np.log10(samples.std()) == pytest.approx(-10, abs=0.5)
    noisy = replace(loud, noise_snr_db=10.0).read(16_000) - samples
    assert 20 * np.log10(samples.std() / noisy.std()) == pytest.approx(10, abs=1.5)
    assert loud.fingerprint() != found.audio.fingerprint()


@pytest.mark.parametrize("name", list(GRAMMARS))
def test_grammars(name: str) -> None:
    generator = np.random.default_rng(0)
    texts = [grammar_named(name)(generator) for _ in range(2_000)]
    words = {word for text in texts for word in text.split()}
    assert all(text == " ".join(text.lower().split()) for text in texts)
    assert all("{" not in text for text in texts)
    if name == "digits":
        assert words == set(DIGITS)
        assert {len(text.split()) for text in texts} == {3, 4, 5, 6, 7}
    else:
        assert 55 <= len(words) <= 80


def test_wrong_requests_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="unknown grammar 'digit'; did you mean 'digits'"):
        synthetic_corpus(speakers=1, utterances_per_speaker=1, grammar="digit")
    with pytest.raises(UserError, match=r"corpus\.speakers: must be at least 1, not 0"):
        synthetic_corpus(speakers=0, utterances_per_speaker=1)
    espeak.version.cache_clear()
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(UserError, match=r'pip install "fedasr\[synth\]"'):
        synthetic_corpus(speakers=1, utterances_per_speaker=1)
