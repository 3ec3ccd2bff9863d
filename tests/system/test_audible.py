"""Test speech can be heard on the simulator's page beside what rows heard in it, and on no page that is released."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import pytest
import soundfile
from support.running import tiny_table

import fedasr
from fedasr.corpora.audio import AudioFile
from fedasr.engine import audible
from fedasr.experiment.experiment import Experiment
from fedasr.report import shown_utterances, write_page
from fedasr.report.publishing import publish

ROWS = [
    {"name": "public-only", "strategy": "public-only"},
    {"name": "private", "strategy": "dp-fedavg", "options": {"epsilon": 8.0}, "training": {"silos_per_round": 0}},
]


class Sounds(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[bytes] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "audio":
            lead, _, wav = str(dict(attrs)["src"]).partition(",")
            assert lead == "data:audio/wav;base64"
            self.found.append(b64decode(wav, validate=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> Path:
    experiment = Experiment.from_table(tiny_table(compare=ROWS))
    return fedasr.run(experiment, grid="process", out=tmp_path_factory.mktemp("audible") / "run").folder


def policy(text: str) -> str:
    (found,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    return str(found)


def test_the_simulators_page_can_be_heard(folder: Path) -> None:
    text = (folder / "report.html").read_text("utf-8")
    sounds = Sounds(text).found
    assert len(sounds) == min(audible.MOST, len(shown_utterances(folder))) > 1
    assert policy(text).endswith("; media-src data:")
    for sound in sounds:
        about = soundfile.info(io.BytesIO(sound))
        assert (about.channels, about.subtype, about.samplerate) == (1, "PCM_16", 16_000)
        assert about.duration > 0.3
        assert len(sound) <= audible.MOST_BYTES
    assert audible.MOST * audible.MOST_BYTES * 4 / 3 < 2e6


def test_no_released_page_can_be_heard(folder: Path, tmp_path: Path) -> None:
    publish(folder, tmp_path / "released")
    before = (folder / "report.html").read_text("utf-8")
    pages = [write_page(folder, release=True).read_text("utf-8"), (tmp_path / "released" / "report.html").read_text()]
    wavs = json.loads((folder / "audible.json").read_text())["wav"].values()
    for text in pages:
        assert "<audio" not in text
        assert "media-src" not in text
        assert not any(wav[:200] in text for wav in wavs)
    assert not [path for path in (tmp_path / "released").rglob("*") if path.name == "audible.json"]
    assert write_page(folder).read_text("utf-8") == before


def test_a_page_without_sound_is_a_page(folder: Path) -> None:
    file = folder / "audible.json"
    kept = file.read_bytes()
    try:
        file.write_bytes(kept[:100])
        text = write_page(folder).read_text("utf-8")
        assert "audible.json is corrupt and was left out" in text
        assert "<audio" not in text
        file.unlink()
        text = write_page(folder).read_text("utf-8")
        assert "<audio" not in text
        assert "media-src" not in text
    finally:
        file.write_bytes(kept)


@pytest.mark.parametrize(("seconds", "rate_hz"), [(6, 16_000), (12, 8_000), (13, 0)])
def test_a_long_utterance_has_a_lower_rate_or_is_left_out(seconds: int, rate_hz: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", [0.1, -0.1] * (8_000 * seconds), 16_000)
    sound = audible._wav(AudioFile(tmp_path / "a.wav"))
    assert (soundfile.info(io.BytesIO(sound)).samplerate if sound else 0) == rate_hz
