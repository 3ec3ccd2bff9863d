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

OF_THE_RUN = (EXPERIMENT, ENVIRONMENT, PARTITION, CORPUS, COMPUTE, SUMMARY, REPORT, STARTS)
"""What lies in a run folder beside one folder a row: no row may be called so."""

ROW = "row.jsonl"
"""A row's line of the summary: the mark that it need not run again."""
METRICS = "metrics.jsonl"
TRAFFIC = "traffic.jsonl"
HYPOTHESES = "hypotheses.jsonl"
SILOS = "silos.json"
SPEAKERS = "speakers.json"
MODEL = "model.safetensors"
CHECKPOINT = "checkpoint/state.safetensors"
KEPT = "kept"
"""The folder of what the silos of a row kept when it ended, where another row begins there: one file a silo."""
VOTES = "votes.json"
HISTOGRAMS = "votes.npy"
PRIVACY = "privacy.json"
UNPAID = "unpaid.jsonl"
"""Which kinds of messages were answered that no guarantee covers."""

RELEASES = "releases"
"""The folder of what was published under a guarantee: one file a key, and two lists."""
LEDGER = "ledger.jsonl"
ANNOUNCED = "announced.jsonl"
SEEN = "seen"
"""The folder of what the simulator saw of a release's making: no guarantee covers it."""
