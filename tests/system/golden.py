"""The golden experiment: every strategy, protection and codec once, on silos of 2, 5 and 9 utterances.

Two rounds of two local steps; in the usual fixture of three utterances and one step no error of weighting, size or
step would show (`support.unequal` writes their speech).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SPEAKERS = 13
"""Eight silos of one speaker each, and five speakers who are public or held out."""

BASE: dict[str, Any] = {
    "name": "golden",
    "seed": 7,
    "reproducible_noise": True,
    "corpus": {
        "kind": "manifest", "public_speakers": 2, "unlabelled_speakers": 1, "development_speakers": 1,
        "test_speakers": 1,
    },
    "model": {"encoder": "bilstm", "layers": 1, "units": 16, "mels": 16, "dropout": 0.1},
    "start": {"epochs": 2, "batch_size": 4},
    "central": {"epochs": 2, "batch_size": 4},
    "training": {"rounds": 2, "local_steps": 2, "batch_size": 2, "learning_rate": 0.05},
}  # fmt: skip

SGD_STEPS = {"epsilon": 8.0, "batch_size": 2, "steps": 6}
NOISE = {"noise_multiplier": 0.5, "clip_norm": 0.5}
ROWS: list[dict[str, Any]] = [
    {"name": "public-only", "strategy": "public-only"},
    {"name": "local-only", "strategy": "local-only", "options": {"steps": 3}},
    {"name": "centralised", "strategy": "centralised"},
    {"name": "centralised-dp-sgd", "strategy": "centralised", "protection": "dp-sgd", "protection_options": SGD_STEPS},
    {
        "name": "centralised-adamix", "strategy": "centralised", "protection": "adamix",
        "protection_options": {**SGD_STEPS, "public_batch": 3, "subspace": 2, "pull": 0.01},
    },
    {"name": "fedavg", "strategy": "fedavg"},
    {"name": "averaging", "strategy": "fedavg"},
    {
        "name": "fedavgm-sampled", "strategy": "fedavgm", "options": {"momentum": 0.8, "nesterov": True},
        "training": {"silos_per_round": 5},
    },
    {
        "name": "fedopt-adam", "strategy": "fedopt",
        "options": {"server_optimizer": "adam", "server_learning_rate": 0.01, "weighting": "uniform"},
    },
    {"name": "fedopt-lamb", "strategy": "fedopt", "options": {"server_optimizer": "lamb"}},
    {
        "name": "fedavg-dp-sgd", "strategy": "fedavg", "protection": "dp-sgd",
        "protection_options": {"noise_multiplier": 1.0, "batch_size": 2},
    },
    {
        "name": "bmuf", "strategy": "bmuf", "options": {"block_momentum": 0.5, "local_optimizer": "keep"},
        "training": {"optimizer": "adamw", "learning_rate": 1e-3},
    },
    {"name": "sync-sgd", "strategy": "sync-sgd", "options": {"accumulate": 2}, "training": {"momentum": 0.5}},
    {
        "name": "sync-sgd-dp-sgd", "strategy": "sync-sgd", "protection": "dp-sgd",
        "protection_options": {"noise_multiplier": 1.0, "batch_size": 2},
    },
    {"name": "gtc", "strategy": "gtc", "options": {"density": 0.02}, "training": {"momentum": 0.5}},
    {"name": "dp-fedavg", "strategy": "dp-fedavg", "options": NOISE, "training": {"silos_per_round": 5}},
    {"name": "dp-fedavg-layers", "strategy": "dp-fedavg", "options": {**NOISE, "layers": ["ctc.*"]}},
    {"name": "dp-fedavg-gradient", "strategy": "dp-fedavg", "options": {**NOISE, "exchange": "gradient"}},
    {"name": "pate", "strategy": "pate", "options": {"noise": 1.0, "teacher_steps": 3, "maximum_labels": 8}},
    {
        "name": "pate-candidates", "strategy": "pate",
        "options": {"mechanism": "lnmax", "votes": "utterance", "noise": 1.0, "teacher_steps": 3},
    },
    {
        "name": "pate-frames", "strategy": "pate",
        "options": {"mechanism": "confident-gnmax", "votes": "frame", "noise": 1.0, "teacher_steps": 3,
                    "epsilon": 5000.0},
    },
    {
        "name": "pate-mean", "strategy": "pate",
        "options": {"mechanism": "noisy-mean", "noise": 0.05, "teacher_steps": 3, "weighting": "uniform",
                    "maximum_labels": 6, "epsilon": 5000.0},
    },
    {
        "name": "pate-at-teacher", "strategy": "pate",
        "options": {"mechanism": "noisy-mean", "noise": 0.05, "noise_at": "teacher", "server_sees": "mean",
                    "teacher_steps": 3, "maximum_labels": 6, "epsilon": 5000.0},
    },
    {
        "name": "pate-weighted", "strategy": "pate",
        "options": {"noise": 1.0, "teacher_steps": 3, "weighting": "utterances", "maximum_labels": 6,
                    "teacher_start": "scratch", "epsilon": 500.0},
    },
    *(
        {"name": f"{strategy}-clipped-{options['granularity']}", "strategy": strategy, "protection": "clipping",
         "protection_options": options}
        for strategy, options in [
            ("fedavg", {"granularity": "example", "clip_norm": 0.5}),
            ("fedavg", {"granularity": "micro-batch", "micro_batch": 2, "clip_norm": 0.5, "bound": "per-layer"}),
            ("fedavg", {"granularity": "core", "bound": "least"}),
            ("gtc", {"granularity": "layer", "bound": "public-quantile"}),
            ("scaffold", {"granularity": "silo", "clip_norm": 0.01}),
            ("centralised", {"granularity": "example", "clip_norm": 0.5}),
            ("centralised", {"granularity": "core", "cores": 3, "clip_norm": 0.5}),
        ]
    ),
    {"name": "flower-adam", "strategy": "flwr.serverapp.strategy:FedAdam", "options": {"eta": 0.01}},
    {"name": "flower-prox", "strategy": "flwr.serverapp.strategy:FedProx", "options": {"proximal_mu": 0.1}},
    {"name": "flower-krum", "strategy": "flwr.serverapp.strategy:Krum", "options": {"num_malicious_nodes": 1}},
    {"name": "flower-median", "strategy": "flwr.serverapp.strategy:FedMedian"},
    {"name": "drop-outs", "strategy": "fedavg", "network": "phones-4g", "training": {"least_replies": 0.0}},
    *(
        {"name": f"codec-{codec}", "strategy": "fedavg", "codec": codec, "codec_options": options}
        for codec, options in {
            "dense": {}, "fp16": {}, "int8": {}, "sign": {}, "top-k": {"density": 0.1},
            "powersgd": {"rank": 1}, "threshold": {"tau": 0.01, "residual_clip": 4.0},
        }.items()
    ),
]  # fmt: skip

TRANSDUCER: dict[str, Any] = {
    "name": "golden-transducer",
    "model": {**BASE["model"], "head": "joint", "encoder": "conformer", "heads": 2, "kernel": 3, "predictor_units": 8},
    "compare": [
        {"name": "fedavg", "strategy": "fedavg"},
        {"name": "pate", "strategy": "pate", "options": {"noise": 1.0, "teacher_steps": 2, "maximum_labels": 4}},
        {"name": "dp-sgd", "strategy": "centralised", "protection": "dp-sgd",
         "protection_options": {**SGD_STEPS, "steps": 3}},
        {"name": "centralised", "strategy": "centralised"},
    ],
}  # fmt: skip
"""What the rows above have no part in: the other heads and encoders."""


def golden_table(corpus: Path, transducer: bool = False) -> dict[str, Any]:
    """Return the golden experiment's table, its speech at `corpus`."""
    table = {**json.loads(json.dumps(BASE)), "compare": ROWS, **(TRANSDUCER if transducer else {})}
    table["corpus"] = {**table["corpus"], "path": str(corpus)}
    return table
