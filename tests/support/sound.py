"""Small recordings and corpora that tests write themselves."""

import json
from pathlib import Path

import numpy as np
import soundfile

from fedasr.corpora.utterance import Utterance


class Samples:
    """Audio that is in memory already."""

    def __init__(self, seed: int, seconds: float = 0.3) -> None:
        self.seed, self.seconds = seed, seconds

    def read(self, sample_rate_hz: int) -> np.ndarray:
        count = round(self.seconds * sample_rate_hz)
        return np.random.default_rng(self.seed).standard_normal(count).astype(np.float32) * 0.1

    def fingerprint(self) -> str:
        return f"samples {self.seed} {self.seconds}"


def noise(seconds: float, rate_hz: int = 16_000, channels: int = 1, seed: int = 0) -> np.ndarray:
    shape = (round(seconds * rate_hz), channels)
    return (np.random.default_rng(seed).standard_normal(shape) * 0.1).astype(np.float32)


def record(path: Path, seconds: float = 0.5, rate_hz: int = 16_000, channels: int = 1, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(seconds, rate_hz, channels, seed), rate_hz)
    return path


def utterance(number: int, speaker: str = "ann", text: str = "yes", seconds: float = 0.3) -> Utterance:
    return Utterance(f"{speaker}/{number}", speaker, text, seconds, Samples(number, seconds), {"sex": "f"})


def row(name: str, **changes: object) -> dict[str, object]:
    values = {"audio_filepath": name, "duration": 0.5, "text": "yes", "speaker": "ann"} | changes
    return {key: value for key, value in values.items() if value is not ...}


def manifest(folder: Path, *rows: dict[str, object] | str) -> Path:
    path = folder / "manifest.jsonl"
    lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path
