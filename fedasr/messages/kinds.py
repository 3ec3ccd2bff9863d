"""Kinds of messages: their names, and the names of their records and settings."""

from __future__ import annotations

ARRAYS, CONFIG, METRICS = "arrays", "config", "metrics"
"""The record names that Flower's strategies use."""


CHANGE = "change"
"""The record of a change: as long a name as that of a model, so that their envelopes weigh the same."""


KEEP_OPTIMIZER, ACCUMULATE, LAYERS = "keep-optimizer", "accumulate", "layers"


TRAIN, GRADIENT, ALONE, SPEECH = "train", "train.gradient", "train.alone", "query.speech"


TEACHER = "train.teacher"
