"""What learning from so many hours of speech takes of a process' memory: of a silo's, of the centre's, of the run's.

    python benchmarks/speech_scale.py
    python benchmarks/speech_scale.py --hours 10 1000 10000

Writes the index of so many hours of utterances of five seconds to a cache, and features that are a hole in a file, so
that they are zeros made as they are read. Each role is measured in a fresh process twice: its anonymous and shared
memory (`Pss_Anon` + `Pss_Shmem`, at most; mapped files are the system's cache), and its Python objects (`tracemalloc`)
when it has taken its steps.

silo    a worker: unpickles what all silos share, of a partition into 20, and trains three of them
centre  trains on all speech, and counts the steps of a pass and the seconds
run     holds the partition, tells of it, and looks through all transcripts
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AN_HOUR, FRAMES, MELS = 720, 500, 8
SILOS, STEPS = 20, 8
WORDS = ("she", "had", "your", "dark", "suit", "in", "greasy", "wash", "water", "all", "year")


@dataclass
class Peak:
    """The most anonymous and shared memory that was seen."""

    mb: float = 0.0

    def look(self) -> None:
        """Look at the memory of this process now."""
        lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
        told = {key: int(value.split()[0]) for key, value in (line.split(":") for line in lines[1:])}
        self.mb = max(self.mb, (told["Pss_Anon"] + told["Pss_Shmem"]) * 1024 / 1e6)


def write(folder: Path, hours: int) -> None:
    """Write a folder of the cache."""
    folder.mkdir(parents=True)
    with (folder / "index.jsonl").open("w", encoding="utf-8") as index:
        for number in range(hours * AN_HOUR):
            speaker, text = f"speaker {number // 100:07d}", " ".join(WORDS[(number + k) % 11] for k in range(8))
            index.write(json.dumps({
                "id": f"corpus/{speaker}/{number:010d}", "speaker": speaker, "text": text, "seconds": FRAMES / 100,
                "frames": FRAMES + number % 7 - 3, "fields": {"accent": "northern"},
                "audio": {"file": f"/speech/corpus/{speaker}/{number:010d}.wav"},
            }) + "\n")  # fmt: skip
    frames = sum(FRAMES + number % 7 - 3 for number in range(hours * AN_HOUR))
    (folder / "features.bin").touch()
    os.truncate(folder / "features.bin", 2 * MELS * frames)
    meta = {"mels": MELS, "bytes": 2 * MELS * frames, "utterances": hours * AN_HOUR, "notes": []}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def host_of(folder: Path) -> Any:
    """Return what all silos share, of a partition into twenty, and 5 public speakers."""
    from fedasr.asr.augment import NO_AUGMENTATION
    from fedasr.asr.tokens import learn_characters
    from fedasr.common.randomness import Streams
    from fedasr.corpora.features.placed import placed
    from fedasr.corpora.features.store import open_speech, store_of
    from fedasr.corpora.partition import Partition
    from fedasr.experiment.training import TrainingSpec
    from fedasr.silo.host import SiloHost
    from fedasr.training.objectives.supervised import Supervised

    store = store_of(open_speech(folder))
    names = [store.id(row) for row in range(len(store.frames))]
    size = len(names) // SILOS
    silos = tuple(tuple(names[silo * size : (silo + 1) * size]) for silo in range(SILOS))
    public = tuple(store.speakers[number] for number in range(5))
    partition = placed(Partition("grouped", silos, (), public, (), ()), store)
    return SiloHost(
        folder, partition, recogniser_spec(), learn_characters(WORDS), TrainingSpec(batch_size=16), NO_AUGMENTATION,
        Supervised(), Streams(1),
    )  # fmt: skip


def recogniser_spec() -> Any:
    """Return a small recogniser."""
    from fedasr.asr.encoders.encoder import EncoderSpec
    from fedasr.asr.features import FeatureSpec
    from fedasr.asr.recogniser import RecogniserSpec

    return RecogniserSpec(FeatureSpec(mels=MELS), EncoderSpec("bilstm", 1, 16, 0.0))


def silo(folder: Path, host: Path) -> Iterator[None]:
    """Train three silos, as a worker does."""
    from fedasr.silo.train import gradients

    found = pickle.loads(host.read_bytes())
    for number in range(3):
        for _ in gradients(found, found.silo(number), 1, STEPS):
            yield
    assert len(found.public_speech)
    yield


def centre(folder: Path, host: Path) -> Iterator[None]:
    """Train on all speech, as the centre does."""
    import torch

    from fedasr.asr.augment import NO_AUGMENTATION
    from fedasr.asr.recogniser import Recogniser
    from fedasr.asr.tokens import learn_characters
    from fedasr.common.randomness import Streams
    from fedasr.corpora.features.opened import opened_speech
    from fedasr.student.trainer import CentralTrainer, TrainerSpec
    from fedasr.training.holdings import Holdings
    from fedasr.training.learner import Learner
    from fedasr.training.objectives.supervised import Supervised

    torch.manual_seed(0)
    held = Holdings(public=opened_speech(folder))
    model = Recogniser(recogniser_spec(), learn_characters(WORDS))
    learner = Learner(model, Supervised(), held, NO_AUGMENTATION, 16)
    trainer = CentralTrainer(learner, TrainerSpec(epochs=1), Streams(1))
    trainer.seconds_an_epoch()
    for _ in itertools.islice(trainer._plan.gradients(learner, trainer._dice(0)), 3 * STEPS):
        yield


def run(folder: Path, host: Path) -> Iterator[None]:
    """Hold the partition, tell of it, and look through all transcripts, as the process does that runs an experiment."""
    from fedasr.asr.tokens import unwritten_in
    from fedasr.corpora.features.opened import opened_speech
    from fedasr.corpora.features.placed import rows_of_all
    from fedasr.corpora.speech import Speech
    from fedasr.runs.partition_record import partition_data

    found, speech = pickle.loads(host.read_bytes()), opened_speech(folder)
    told = partition_data(found.partition, speech)
    yield
    in_silos = Speech(speech.store, rows_of_all(found.partition.silos, speech.store))
    assert not unwritten_in(in_silos.texts(), found.tokens)
    yield
    assert sum(one.utterances for one in told.silos) == len(in_silos) == len(speech)


ROLES: dict[str, Callable[[Path, Path], Iterator[None]]] = {"silo": silo, "centre": centre, "run": run}


def measured(role: str, folder: Path, host: Path, traced: bool) -> dict[str, float]:
    """Do the work of a role in this process; return its peak of memory, or what its objects take in the end."""
    import fedasr.api
    import fedasr.silo.train

    assert fedasr
    peak, begun = Peak(), time.monotonic()
    if traced:
        tracemalloc.start()
    work = ROLES[role](folder, host)
    for _ in work:
        objects = tracemalloc.get_traced_memory()[0] if traced else 0
        peak.look()
    return {"mb": peak.mb, "objects": objects, "seconds": time.monotonic() - begun}


def in_a_fresh_process(role: str, folder: Path, host: Path, traced: bool) -> dict[str, float]:
    """Measure in a process that has done nothing else."""
    line = [sys.executable, __file__, "--measure", role, str(folder), str(host), str(int(traced))]
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print a line for each role, with what it takes more for more hours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, nargs="*", default=[10, 1000])
    parser.add_argument("--cache", type=Path, help="where the folders are written; by default a temporary one")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        role, folder, host, traced = asked.measure
        print(json.dumps(measured(role, Path(folder), Path(host), bool(int(traced)))))
        return
    with tempfile.TemporaryDirectory(dir=asked.cache) as place:
        found = {hours: _all_roles(Path(place), hours) for hours in asked.hours}
    least = min(found)
    print(
        f"{'hours':>7} {'role':>7} {'MB':>8} {'more MB':>8} {'objects kB':>11} {'more kB an hour':>16} {'seconds':>8}"
    )
    for hours, role in itertools.product(found, ROLES):
        (plain, traced), (base, base_traced) = found[hours][role], found[least][role]
        more = (traced["objects"] - base_traced["objects"]) / 1000
        an_hour = f"{more / (hours - least):16.2f}" if hours > least else f"{'':16}"
        print(
            f"{hours:7,} {role:>7} {plain['mb']:8.1f} {plain['mb'] - base['mb']:8.1f}"
            f" {traced['objects'] / 1000:11,.0f} {an_hour} {plain['seconds']:8.1f}"
        )


def _all_roles(place: Path, hours: int) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
    folder, host = place / "features" / f"{hours}", place / f"{hours}.pickle"
    write(folder, hours)
    host.write_bytes(pickle.dumps(host_of(folder)))
    return {role: tuple(in_a_fresh_process(role, folder, host, traced) for traced in (False, True)) for role in ROLES}  # type: ignore[misc]


if __name__ == "__main__":
    main()
