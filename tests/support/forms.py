"""Speech in each form that the documents speak of, from a folder with a manifest."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

import soundfile

from support.tree import CHECKOUT


def benchmark(name: str) -> ModuleType:
    """Return a module of `benchmarks/`, which is no package."""
    folder = str(CHECKOUT / "benchmarks")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def write_page_corpora(speech: Path, place: Path) -> None:
    """Write what the page on corpora reads from a folder with a manifest; lhotse and datasets write their own."""
    forms = benchmark("speech_forms")
    clips = forms.clips_of(speech)
    for name, write in {"MANIFESTS": forms.lhotse_cuts, "data/train": forms.kaldi, "SET": forms.data_set}.items():
        write(clips, _new(place / name))
    forms.nemo(forms.joined(clips, _new(place / "SEGMENTS")), place / "SEGMENTS")
    rows = [f"{clip.audio}\t{clip.seconds}\t{clip.text}\t{clip.speaker}" for clip in clips]
    (place / "clips.tsv").write_text("\n".join(["path\tduration\tsentence\tclient", *rows]) + "\n")
    names = sorted({clip.speaker for clip in clips})
    tested = [clip for clip in clips if clip.speaker in names[-2:]]
    trained = [clip for clip in clips if clip not in tested]
    for subset, (part, first) in {
        "dev-clean-2": (clips, 10), "train-clean-5": (trained, 30), "test-clean": (tested, 50),
    }.items():  # fmt: skip
        _librispeech(part, place / f"LIBRISPEECH/LibriSpeech/{subset}", first)
    _common_voice(_new(place / "COMMON_VOICE/clips").parent, validated=clips, train=trained, test=tested)
    _speech_commands(clips, place / "SPEECH_COMMANDS/speech_commands_v0.02", tested)
    _vctk(clips, place / "VCTK/VCTK-Corpus-0.92")


def _librispeech(clips: Sequence[Any], folder: Path, first: int) -> None:
    for number, speaker in enumerate(sorted({clip.speaker for clip in clips}), start=first):
        chapter = _new(folder / f"{number}/1")
        said = [clip for clip in clips if clip.speaker == speaker]
        for place, clip in enumerate(said):
            _copy(clip, chapter / f"{number}-1-{place:04d}.flac")
        lines = [f"{number}-1-{place:04d} {clip.text.upper()}\n" for place, clip in enumerate(said)]
        (chapter / f"{number}-1.trans.txt").write_text("".join(lines))


def _common_voice(folder: Path, **subsets: Sequence[Any]) -> None:
    for clip in subsets["validated"]:
        _copy(clip, folder / f"clips/{clip.id}.mp3")
    for name, clips in subsets.items():
        rows = [f"{clip.speaker}\t{clip.id}.mp3\t{clip.text.capitalize()}." for clip in clips]
        (folder / f"{name}.tsv").write_text("\n".join(["client_id\tpath\tsentence", *rows]) + "\n")


def _speech_commands(clips: Sequence[Any], folder: Path, tested: Sequence[Any]) -> None:
    listed = []
    for number, clip in enumerate(clips):
        speaker = f"{crc32(clip.speaker.encode()):08x}"
        word, name = clip.text.split()[0], f"{speaker}_nohash_{number}.wav"
        _copy(clip, _new(folder / word) / name)
        listed += [f"{word}/{name}\n"] if clip in tested else []
    (folder / "testing_list.txt").write_text("".join(listed))
    (folder / "validation_list.txt").write_text("")


def _vctk(clips: Sequence[Any], folder: Path) -> None:
    for number, clip in enumerate(clips):
        name = f"{clip.speaker}/{clip.speaker}_{number:03d}"
        _new((folder / "wav48_silence_trimmed" / name).parent)
        _copy(clip, folder / f"wav48_silence_trimmed/{name}_mic2.flac")
        _new((folder / "txt" / name).parent)
        (folder / f"txt/{name}.txt").write_text(f"{clip.text.capitalize()}.\n")


def _copy(clip: Any, path: Path) -> None:
    soundfile.write(path, *soundfile.read(clip.audio))


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
