"""What a second of digital zeros after each utterance costs, beside a second of the recording's own background.

    python benchmarks/silence.py RUN_FOLDER/ROW MANIFEST.jsonl [--utterances N]

Utterances are those of the run's test speakers. The background is noise as loud as an utterance's quietest 50 ms.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from fedasr.api import evaluate

Samples = NDArray[np.float32]


def plain(samples: Samples, rate_hz: int) -> Samples:
    return samples


def with_zeros(samples: Samples, rate_hz: int) -> Samples:
    return np.concatenate([samples, np.zeros(rate_hz, np.float32)])


def with_background(samples: Samples, rate_hz: int) -> Samples:
    frame = rate_hz // 20
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    level = np.sqrt((frames.astype(np.float64) ** 2).mean(1)).min()
    noise = np.random.default_rng(0).standard_normal(rate_hz) * level
    return np.concatenate([samples, noise.astype(np.float32)])


def chosen(row: Path, manifest: Path, count: int) -> list[dict[str, object]]:
    """Return lines of the manifest whose speakers the run held out, spread evenly over them."""
    test = set(json.loads((row.parent / "partition.json").read_text())["test"]["speakers"])
    lines = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    held = [line for line in lines if line["speaker"] in test]
    return [held[index] for index in np.linspace(0, len(held) - 1, min(count, len(held))).astype(int)]


def scored(row: Path, lines: list[dict[str, object]], folder: Path, change: Callable[[Samples, int], Samples]) -> float:
    """Return the WER on the utterances as they are after a change."""
    with tempfile.TemporaryDirectory() as there:
        written = []
        for number, line in enumerate(lines):
            samples, rate_hz = soundfile.read(folder / str(line["audio_filepath"]), dtype="float32")
            soundfile.write(f"{there}/{number}.wav", change(samples, rate_hz), rate_hz, subtype="PCM_16")
            written.append({"audio_filepath": f"{number}.wav", "text": line["text"], "speaker": line["speaker"]})
        manifest = Path(there, "manifest.jsonl")
        manifest.write_text("".join(json.dumps(line) + "\n" for line in written), encoding="utf-8")
        return float(evaluate(row, manifest)["wer"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--utterances", type=int, default=24)
    arguments = parser.parse_args()
    lines = chosen(arguments.row, arguments.manifest, arguments.utterances)
    for change in (plain, with_zeros, with_background):
        wer = scored(arguments.row, lines, arguments.manifest.parent, change)
        print(f"{change.__name__.replace('_', ' ')}: WER {wer:.1%} on {len(lines)} utterances")


if __name__ == "__main__":
    main()
