"""Speech for trials: each letter is a tone, so that a tiny corpus needs no synthesiser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from fedasr.corpora.readers.manifest import MANIFEST, write_manifest

RATE_HZ = 16_000
LETTER_SECONDS = 0.09
WORDS = ("one", "two", "four", "five", "six")
SILOS = (5, 2, 7, 3)
"""Utterances of one silo after another: where all hold as much, no error of weight, size or step shows."""
PUBLIC = (6, 5, 4)
"""Of the public speakers."""


def write_speech(folder: Path, utterances: tuple[int, ...], speaker: str) -> Path:
    """Write a corpus of tones in which speaker n says ``utterances[n]`` things, and return its folder."""
    folder.mkdir(parents=True)
    rows = []
    for number, count in enumerate(utterances):
        name = f"{speaker}{number}"
        for place in range(count):
            random = np.random.default_rng([number, place, len(speaker), ord(speaker[0])])
            text = " ".join(random.choice(WORDS, size=int(random.integers(1, 4))))
            samples = _spoken(text, 1 + 0.1 * number, random)
            file = f"{name}-{place}.wav"
            soundfile.write(folder / file, samples, RATE_HZ, subtype="PCM_16")
            rows.append({
                "audio_filepath": file, "duration": len(samples) / RATE_HZ, "text": text, "speaker": name,
            })  # fmt: skip
    write_manifest(folder / MANIFEST, rows)
    return folder


def _spoken(text: str, pitch: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Return a tone for each letter, silence for a space, and a little noise."""
    time = np.arange(int(LETTER_SECONDS * RATE_HZ)) / RATE_HZ
    tones = [np.sin(2 * np.pi * _hertz(letter) * pitch * time) for letter in text]
    samples = 0.3 * np.concatenate(tones) + 0.01 * random.standard_normal(len(time) * len(text))
    return samples.astype(np.float32)


def _hertz(letter: str) -> float:
    return 0.0 if letter == " " else 250.0 + 90.0 * (ord(letter) - ord("a"))
