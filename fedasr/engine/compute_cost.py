"""What training costs here: measured once, written down and replayed, so that simulated time repeats."""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from fedasr.asr.recogniser import Recogniser
from fedasr.common.environment import processor
from fedasr.common.files import read_json, write_json
from fedasr.common.randomness import Streams, seeded_libraries
from fedasr.common.threads import one_thread
from fedasr.corpora.features.store import cache_folder
from fedasr.corpora.speech import Speech
from fedasr.engine.preparation import Prepared
from fedasr.runs.file_names import COMPUTE
from fedasr.training.batches import training_batch
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.passes import shuffled_batches

REPEATS = 5


@dataclass(frozen=True)
class ComputeCost:
    """The cost of a gradient on one core of the machine that measured it.

    Attributes
    ----------
    seconds_per_audio_second : float
        Seconds of computing for a second of speech, forward and backward.
    parameters : int
        Of the recogniser.
    processor : str
    """

    seconds_per_audio_second: float
    parameters: int
    processor: str


def compute_cost(prepared: Prepared, run_folder: Path) -> ComputeCost:
    """Return the cost in the run folder, else that measured before for such a recogniser, else measure it."""
    places = [run_folder / COMPUTE, cache_folder() / f"compute-{_key(prepared)}.json"]
    found = next((cost for cost in map(_read, places) if cost is not None), None)
    cost = found or _measured(prepared)
    for place in places:
        if not place.exists():
            write_json(place, asdict(cost))
    return cost


def _key(prepared: Prepared) -> str:
    training = prepared.experiment.training
    batch = training.batch_size, training.batch_seconds
    facts = [asdict(prepared.recogniser_spec), prepared.tokens.size, batch, processor()]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _read(path: Path) -> ComputeCost | None:
    try:
        return ComputeCost(**read_json(path))
    except (OSError, ValueError, TypeError):
        return None


def _measured(prepared: Prepared) -> ComputeCost:
    """Take the median time of a few gradients, after one that warms up."""
    streams = Streams(0)
    with one_thread(), seeded_libraries(streams.sequence("weights")):
        recogniser = Recogniser(prepared.recogniser_spec, prepared.tokens)
        speech = prepared.silo_speech(0, 64) if prepared.partition.silos[0] else prepared.part("public_labelled")
        seconds = [_one(recogniser, prepared, speech, streams, number) for number in range(REPEATS + 1)]
    parameters = sum(p.numel() for p in recogniser.parameters())
    return ComputeCost(statistics.median(seconds[1:]), parameters, processor())


def _one(recogniser: Recogniser, prepared: Prepared, speech: Speech, streams: Streams, number: int) -> float:
    """Return the seconds of computing for a second of speech, in one batch."""
    generator, training = streams.numpy("batch", number), prepared.experiment.training
    indices = shuffled_batches(speech, training.batch_size, generator, training.batch_seconds)[0]
    begun = time.thread_time()
    augment, stacked = prepared.experiment.augment, recogniser.spec.frames_stacked
    batch = training_batch(speech, indices, prepared.tokens, augment, generator, stacked)
    batch_gradient(recogniser, Supervised().losses, batch, streams.torch("masks", number, device=recogniser.device))
    return (time.thread_time() - begun) * 100 / sum(speech.frames(index) for index in indices)
