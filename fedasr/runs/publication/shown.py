"""What is shown of a run that is published: an allow-list, field by field."""

from __future__ import annotations

from typing import Any

from fedasr.runs.data import NEW_SPEAKERS, NOISY, RoundData, RowData, RunData
from fedasr.runs.publication.standing import published, standing

POINT = (
    "name", "status", "strategy", "folder", "seed", "draw", "population", "training_speakers", "objective",
    "protection", "codec", "network", "role", "lineage", "recipe", "rounds", "silos", "silos_per_round", "scored",
)  # fmt: skip
"""What a row is: the experiment's file says it, and the partition's sizes, which are taken as public."""
TESTED = (
    "wer", "wer_low", "wer_high", "cer", "wer_decoded", "wer_decoded_low", "wer_decoded_high", "noisy_wer",
    "noisy_wer_low", "noisy_wer_high", "noisy_wer_decoded", "insertions", "deletions", "substitutions",
    "development_wer", "development_loss", "model_sha256",
)  # fmt: skip
"""What its model is, and does on speakers who are nobody's silo."""
PROMISED = (
    "epsilon", "delta", "privacy_unit", "adjacency", "epsilon_kind", "epsilon_bound", "epsilon_spent", "epsilon_before",
    "epsilon_together", "trust", "epsilon_empirical", "private_speech", "start_speech", "mechanism", "privacy",
)  # fmt: skip
"""What is promised; what was spent follows from what was released."""
COSTS = (
    "failure", "note", "uplink_bytes", "downlink_bytes", "utterances", "public_utterances", "refused_replies",
    "dropped_replies", "simulated_seconds", "simulated_communication_seconds", "training_cpu_seconds", "wall_seconds",
    "peak_memory_bytes", "teacher_agreement", "teacher_agreement_spoken", "traffic",
)  # fmt: skip
"""What a row took, which of one that promises privacy follows from its cohorts and from what its silos hold."""
MACHINE = (
    "python", "fedasr", "torch", "torchaudio", "flwr", "ray", "numpy", "espeakng-loader", "sources", "system",
    "processor", "cores", "workers", "machines",
)  # fmt: skip
"""Of the environment all but the digest of the corpus: whoever guesses an utterance could try it there."""
HELD_BACK = "why it failed stays with those who ran it"


def shown(data: RunData) -> RunData:
    """Return of a run what may be published, and nothing else.

    A row that promises privacy is shown as the point that it is, with what it promises and what its model does on
    test and development speakers, also from round to round. Cohorts, refused replies, bytes, seconds and densities
    are not: its accountant takes the cohort as secret, and the rest depends on what silos hold. Of a row without
    private speech the costs are shown too. Of none is shown what it does on the silos' own speech.
    """
    kept = published(data)
    folders = {row.folder for row in kept.rows}
    return RunData(
        kept.experiment, kept.seed, kept.version, tuple(map(_row, kept.rows)),
        environment={name: value for name, value in kept.environment.items() if name in MACHINE},
        experiment_toml=kept.experiment_toml, decoding=kept.decoding, scored=kept.scored,
        together=kept.together, crossed=kept.crossed,
        shared=tuple(stage for stage in kept.shared if folders.issuperset(stage.rows)),
    )  # fmt: skip


def _row(row: RowData) -> RowData:
    is_public = standing(row) == "public"
    names = (*POINT, *TESTED, *PROMISED, *(COSTS if is_public else ()))
    found: dict[str, Any] = {name: getattr(row, name) for name in names}
    if row.failed and not is_public:
        found["failure"] = HELD_BACK
    return RowData(
        **found,
        metrics=tuple(map(_round, row.metrics)),
        speaker_scores=tuple(score for score in row.speaker_scores if score.of in (NEW_SPEAKERS, NOISY)),
    )


def _round(line: RoundData) -> RoundData:
    return RoundData(line.round, development_wer=line.development_wer, development_loss=line.development_loss)
