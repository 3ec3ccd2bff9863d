"""Names of all that a run leaves behind: a part of the contract, typed here alone and never renamed."""

from __future__ import annotations

EXPERIMENT = "experiment.toml"
ENVIRONMENT = "environment.json"
PARTITION = "partition.json"
CORPUS = "corpus.json"
COMPUTE = "compute.json"
SUMMARY = "summary.json"
REPORT = "report.html"
STARTS = "start"
DECODING = "decoding.json"
DECODER = "decoder.safetensors"
"""What decodes all rows; a copy lies beside each row's model."""
STAGES = "stages"
"""The folder of what is computed once for several rows; it goes when all rows have finished."""
SHARED = "shared.json"
"""Which rows shared what."""
AUDIBLE = "audible.json"
"""A few utterances of test speech as sound, which the simulator's page has beside what was heard in them."""
LOG = "log.txt"
"""What was said while the run was at work, with the time."""
LOCK = ".lock"
"""Held by the process that works in the folder; it stays there, and locks nothing then."""

DRAW = "draw-"
"""So begins the folder of one draw of the speakers, a run of its own."""


def draw(number: int) -> str:
    """Return the folder of a draw."""
    return f"{DRAW}{number}"


OF_THE_RUN = (
    EXPERIMENT, ENVIRONMENT, PARTITION, CORPUS, COMPUTE, SUMMARY, REPORT, STARTS, DECODING, DECODER, STAGES, SHARED,
    LOCK, LOG, AUDIBLE,
)  # fmt: skip
"""What lies in a run folder beside one folder a row: no row may be called so."""

TOLD_OF_THE_RUN = (EXPERIMENT, ENVIRONMENT, PARTITION, CORPUS, DECODING)
"""Which of these a page is made of: the summary says which were there."""

ROW = "row.jsonl"
"""A row's line of the summary: the mark that it need not run again."""
MADE_OF = "made_of.json"
"""What a row is made of: its experiment, the digests of its speech and of its start."""
FAILURE = "failure.txt"
"""The traceback of a row that failed by an error of its strategy, or of fedasr."""
METRICS = "metrics.jsonl"
TRAFFIC = "traffic.jsonl"
HYPOTHESES = "hypotheses.jsonl"
SILOS = "silos.json"
SPEAKERS = "speakers.json"
MODEL = "model.safetensors"
LAST = "last.safetensors"
"""The last iterate, where another row begins there and it is not what was scored."""
CHECKPOINT = "checkpoint/state.safetensors"
AFTER = "checkpoint/after"
"""The folder of what the release that was made last left behind in the grid and in the silos."""
UNSAVED = "checkpoint/unsaved.jsonl"
"""Why there is no checkpoint, and whether the row was begun anew for that."""
KEPT = "kept"
"""The folder of what the silos of a row kept when it ended, where another row begins there: one file a silo."""
VOTES = "votes.json"
HISTOGRAMS = "votes.npy"
PRIVACY = "privacy.json"
UNPAID = "unpaid.jsonl"
"""Which kinds of messages were answered that no guarantee covers."""

AS_ENDED = (METRICS, TRAFFIC, HYPOTHESES, SILOS, SPEAKERS, PRIVACY, VOTES, HISTOGRAMS, UNPAID, MADE_OF)
"""Files of which a row's line keeps the digests."""

RELEASES = "releases"
"""The folder of what was published under a guarantee: one file a key, and two lists."""
LEDGER = "ledger.jsonl"
ANNOUNCED = "announced.jsonl"
SEEN = "seen"
"""The folder of what the simulator saw of a release's making: no guarantee covers it."""
