"""The same speech in each form in which the field keeps it, written by the field's own libraries."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

Corpus = dict[str, str]
"""The keys of ``[corpus]`` that say where some speech is, and in which form."""


@dataclass(frozen=True)
class Clip:
    """One utterance: a file, or a part of one."""

    id: str
    speaker: str
    text: str
    sex: str
    audio: str
    start_seconds: float
    seconds: float

    @property
    def told(self) -> dict[str, str]:
        """What is told of it beside its audio."""
        return {key: value for key, value in asdict(self).items() if key in ("id", "speaker", "text", "sex")}


def clips_of(data: Path, most: int | None = None) -> list[Clip]:
    """Return clips of a manifest in the order of their ids, which is Kaldi's."""
    lines = [json.loads(line) for line in (data / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    files = [(data / line["audio_filepath"]).resolve() for line in lines]
    told = [
        Clip(file.stem, line["speaker"], line["text"], line.get("sex", "f"), str(file), 0.0, _seconds(file))
        for line, file in zip(lines, files, strict=True)
    ]
    return sorted(told, key=lambda clip: clip.id)[:most]


def joined(clips: Sequence[Clip], folder: Path) -> list[Clip]:
    """Join clips of one rate to one long file, and return where in it each of them is."""
    rate = soundfile.info(clips[0].audio).samplerate
    heard = [soundfile.read(clip.audio, dtype="int16")[0] for clip in clips]
    soundfile.write(folder / "long.wav", np.concatenate(heard), rate)
    starts = np.cumsum([0, *map(len, heard[:-1])]) / rate
    return [
        replace(clip, audio=str(folder / "long.wav"), start_seconds=start)
        for clip, start in zip(clips, starts.tolist(), strict=True)
    ]


def nemo(clips: Sequence[Clip], folder: Path) -> Corpus:
    """Write a manifest of NeMo's."""
    with (folder / "manifest.jsonl").open("w", encoding="utf-8") as file:
        for clip in clips:
            # As manifests do, durations of files are rounded; a part is as long as it says.
            is_whole = _is_whole(clip)
            seconds = round(clip.seconds, 2) if is_whole else clip.seconds
            part = {"audio_filepath": clip.audio, "duration": seconds}
            offset = {} if is_whole else {"offset": clip.start_seconds}
            file.write(json.dumps({**clip.told, **part, **offset}) + "\n")
    return {"kind": "manifest", "path": str(folder)}


def lhotse_cuts(clips: Sequence[Clip], folder: Path) -> Corpus:
    """Write a cut set of lhotse's."""
    from lhotse import CutSet

    recordings, supervisions = _lhotse(clips)
    CutSet.from_manifests(recordings, supervisions).to_file(folder / "cuts.jsonl.gz")
    return {"kind": "lhotse", "path": str(folder)}


def lhotse_pair(clips: Sequence[Clip], folder: Path) -> Corpus:
    """Write recordings and supervisions, as lhotse's recipes and its import from Kaldi do."""
    recordings, supervisions = _lhotse(clips)
    recordings.to_file(folder / "tiny_recordings_train.jsonl.gz")
    supervisions.to_file(folder / "tiny_supervisions_train.jsonl.gz")
    return {"kind": "lhotse", "path": str(folder), "subset": "train"}


def kaldi(clips: Sequence[Clip], folder: Path) -> Corpus:
    """Let lhotse write a data folder of Kaldi's, which names files only where they are WAV."""
    from lhotse.kaldi import export_to_kaldi

    export_to_kaldi(*_lhotse([_as_wav(clip, folder) for clip in clips]), folder)
    return {"kind": "kaldi", "path": str(folder)}


def data_set(clips: Sequence[Clip], folder: Path) -> Corpus:
    """Save a data set of Hugging Face's to disk, the audio in it."""
    import datasets

    datasets.disable_progress_bars()
    table = datasets.Dataset.from_list([{**clip.told, "audio": clip.audio} for clip in clips])
    datasets.DatasetDict(train=table.cast_column("audio", datasets.Audio())).save_to_disk(str(folder))
    return {"kind": "datasets", "path": str(folder), "subset": "train"}


Writer = Callable[[Sequence[Clip], Path], Corpus]
WHOLE: dict[str, Writer] = {
    "manifest": nemo, "lhotse cuts": lhotse_cuts, "lhotse pair": lhotse_pair, "kaldi": kaldi, "datasets": data_set,
}  # fmt: skip
"""Forms that keep an utterance in a file or cell of its own."""

PARTS: dict[str, Writer] = {name: WHOLE[name] for name in ("manifest", "lhotse cuts", "lhotse pair", "kaldi")}
"""Forms that know parts of one long file."""


def _seconds(file: str | Path) -> float:
    return float(soundfile.info(file).duration)


def _is_whole(clip: Clip) -> bool:
    return clip.start_seconds == 0 and clip.seconds == _seconds(clip.audio)


def _as_wav(clip: Clip, folder: Path) -> Clip:
    if clip.audio.endswith(".wav"):
        return clip
    samples, rate = soundfile.read(clip.audio, dtype="int16")
    (folder / "wav").mkdir(exist_ok=True)
    soundfile.write(folder / "wav" / f"{clip.id}.wav", samples, rate)
    return replace(clip, audio=str(folder / "wav" / f"{clip.id}.wav"))


def _lhotse(clips: Sequence[Clip]) -> tuple[Any, Any]:
    """Return recordings, one a file, and a supervision a clip, as lhotse's sets."""
    from lhotse import Recording, RecordingSet, SupervisionSegment, SupervisionSet

    names = {clip.audio: clip.id if _is_whole(clip) else Path(clip.audio).stem for clip in clips}
    recordings = [Recording.from_file(audio, recording_id=name) for audio, name in names.items()]
    told = [
        SupervisionSegment(
            clip.id, names[clip.audio], clip.start_seconds, clip.seconds,
            text=clip.text, speaker=clip.speaker, gender=clip.sex,
        )
        for clip in clips
    ]  # fmt: skip
    return RecordingSet.from_recordings(recordings), SupervisionSet.from_segments(told)
