"""What a large corpus costs before its audio is opened, and how many audio files are opened in a second.

python benchmarks/corpus_scale.py
python benchmarks/corpus_scale.py --lines 1700000 --speakers 90000

Writes manifests of so many lines, whose audio need not exist, and measures each in a fresh process: to read and check
the lines, and to divide the speakers; processor seconds of one thread, and the peak of the process' memory with all
that it imports. Then the headers of some WAV files are opened in threads, as a run does it. What learning from so much
speech takes is told by `speech_scale.py`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

WORDS = ("she", "had", "your", "dark", "suit", "in", "greasy", "wash", "water", "all", "year")
FILES = 5_000


@dataclass(frozen=True)
class Cost:
    """What some lines of a manifest cost.

    Attributes
    ----------
    lines : int
    checking_seconds, dividing_seconds : float
        Of one core.
    base_mb, peak_mb : float
        Memory of the process after its imports, and at most.
    """

    lines: int
    checking_seconds: float
    dividing_seconds: float
    base_mb: float
    peak_mb: float

    @property
    def seconds(self) -> float:
        """Checked and divided."""
        return self.checking_seconds + self.dividing_seconds


def rows(lines: int, speakers: int) -> Iterator[str]:
    """Yield lines such as Common Voice would give: ten words, a speaker, accent, age and sex."""
    for n in range(lines):
        text = " ".join(WORDS[(n * 7 + k * (n % 11 + 1)) % len(WORDS)] for k in range(10))
        yield json.dumps(
            {"audio_filepath": f"clips/common_voice_en_{n:09d}.mp3", "duration": 2 + n % 50 / 10, "text": text,
             "speaker": f"client {n % speakers:06d}", "accent": f"accent {n % 7}", "age": f"{n % 6 + 2}0s", "sex": "f"}
        ) + "\n"  # fmt: skip


def measured(manifest: Path) -> Cost:
    """Read, check and divide a manifest in this process."""
    import numpy as np

    from fedasr.corpora.checking.form import in_one_form
    from fedasr.corpora.checking.lengths import with_lengths
    from fedasr.corpora.checking.repeats import each_once
    from fedasr.corpora.partition import divide
    from fedasr.corpora.readers.manifest import read_manifest
    from fedasr.corpora.spec import CorpusSpec
    from fedasr.corpora.utterance import Utterance

    base, begun = peak_mb(), time.process_time()
    checked = with_lengths(each_once(in_one_form(read_manifest(manifest))), {})
    utterances = tuple(entry for entry in checked if isinstance(entry, Utterance))
    read = time.process_time()
    divide(utterances, CorpusSpec(kind="manifest"), np.random.default_rng(0))
    return Cost(len(utterances), read - begun, time.process_time() - read, base, peak_mb())


def peak_mb() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000 * (1 if sys.platform == "darwin" else 1.024)


def in_a_fresh_process(manifest: Path) -> Cost:
    """Measure a manifest in a process that has done nothing else."""
    done = subprocess.run([sys.executable, __file__, "--measure", str(manifest)], capture_output=True, check=True)
    return Cost(**json.loads(done.stdout))


def files_a_second(folder: Path) -> float:
    """Return how many headers of WAV files of a second are opened in a second."""
    import numpy as np
    import soundfile

    from fedasr.corpora.audio import AudioFile
    from fedasr.corpora.checking.headers import open_headers
    from fedasr.corpora.utterance import Utterance

    paths = [folder / f"{n}.wav" for n in range(FILES)]
    for path in paths:
        soundfile.write(path, np.full(8_000, 0.1, np.float32), 8_000)
    utterances = [Utterance(path.name, "ann", "yes", 1.0, AudioFile(path)) for path in paths]
    begun = time.monotonic()
    open_headers(utterances)
    return FILES / (time.monotonic() - begun)


def main() -> None:
    """Print a line for each number of lines, and the files a second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--speakers", type=int, default=5_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(asdict(measured(asked.measure))))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'lines':>9} {'checked s':>10} {'divided s':>10} {'µs a line':>10} {'imports MB':>11} {'peak MB':>8}")
        for lines in asked.lines:
            manifest = Path(folder) / "manifest.jsonl"
            with manifest.open("w", encoding="utf-8") as stream:
                stream.writelines(rows(lines, asked.speakers))
            cost = in_a_fresh_process(manifest)
            each = 1e6 * cost.seconds / cost.lines
            print(
                f"{cost.lines:>9,} {cost.checking_seconds:>10.2f} {cost.dividing_seconds:>10.2f} {each:>10.1f}"
                f" {cost.base_mb:>11.0f} {cost.peak_mb:>8.0f}"
            )
        print(f"{files_a_second(Path(folder)):,.0f} audio files opened a second ({FILES:,} WAV files, cached)")


if __name__ == "__main__":
    main()
