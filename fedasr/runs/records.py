"""What a run folder holds, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RoundData:
    """One line of ``metrics.jsonl``; round 0 is the start, before training."""

    round: int
    train_loss: float | None = None
    development_wer: float | None = None
    development_loss: float | None = None
    uplink_bytes: float | None = None
    downlink_bytes: float | None = None
    silos: int | None = None
    wall_seconds: float | None = None
    simulated_seconds: float | None = None
    simulated_communication_seconds: float | None = None
    density: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class HypothesisData:
    """What was said and what was heard, for one test utterance."""

    id: str
    speaker: str
    reference: str
    hypothesis: str


@dataclass(frozen=True)
class ScoreData:
    """The errors on one silo's or one speaker's speech; ``name`` says whose."""

    name: str
    errors: int
    words: int


@dataclass(frozen=True)
class SiloScores:
    """A row's errors silo by silo; ``on`` is ``"own speech"`` (the training speech) or ``"test"``."""

    on: str
    silos: tuple[ScoreData, ...]


@dataclass(frozen=True)
class TrafficTotal:
    """All messages of one kind in one direction."""

    kind: str
    direction: str
    messages: int
    blob_bytes: int
    envelope_bytes: int


@dataclass(frozen=True)
class SiloData:
    """One silo of the partition."""

    silo: int
    speakers: tuple[str, ...]
    utterances: int
    seconds: float


@dataclass(frozen=True)
class PartData:
    """One of the sets that are nobody's silo: public, development or test."""

    speakers: tuple[str, ...]
    utterances: int
    seconds: float


@dataclass(frozen=True)
class PartitionData:
    """Who holds which speech."""

    rule: str
    silos: tuple[SiloData, ...]
    public_labelled: PartData
    public_unlabelled: PartData
    development: PartData
    test: PartData


@dataclass(frozen=True)
class MechanismData:
    """A mechanism of the ledger: its kind and its public numbers."""

    kind: str
    numbers: tuple[tuple[str, float | str], ...] = ()


@dataclass(frozen=True)
class ReleaseData:
    """One entry of a row's ledger: ``count`` releases by a mechanism."""

    mechanism: MechanismData
    unit: str | None = None
    adjacency: str | None = None
    noise: str | None = None
    sampling_assumed: str | None = None
    sampling_used: str | None = None
    count: int | None = None


@dataclass(frozen=True)
class PrivacyData:
    """A row's ``privacy.json``. None: not known; infinite: the noise bounds nothing."""

    epsilon: float | None = None
    delta: float | None = None
    unit: str | None = None
    adjacency: str | None = None
    kind: str | None = None
    rdp: float | None = None
    pld: float | None = None
    confidence: float | None = None
    ledger: tuple[ReleaseData, ...] = ()


@dataclass(frozen=True)
class VotesData:
    """A row's ``votes.json``: what the simulator saw of the teachers' votes."""

    mechanism: MechanismData
    utterances: int | None = None
    transcribed: int | None = None
    votes: int | None = None
    abstained: int | None = None
    label_wer: float | None = None
    agreement: float | None = None
    teachers: int | None = None


@dataclass(frozen=True)
class RowData:
    """One row of ``summary.json`` and the files of its folder. None: not measured, or promised nothing."""

    name: str
    status: str
    strategy: str
    folder: str
    seed: int | None = None
    failure: str | None = None
    note: str | None = None
    objective: str | None = None
    protection: str | None = None
    codec: str | None = None
    network: str | None = None
    mechanism: str | None = None
    wer: float | None = None
    wer_low: float | None = None
    wer_high: float | None = None
    cer: float | None = None
    development_wer: float | None = None
    development_loss: float | None = None
    insertions: int | None = None
    deletions: int | None = None
    substitutions: int | None = None
    epsilon: float | None = None
    delta: float | None = None
    privacy_unit: str | None = None
    adjacency: str | None = None
    epsilon_kind: str | None = None
    epsilon_empirical: float | None = None
    uplink_bytes: float | None = None
    downlink_bytes: float | None = None
    rounds: int | None = None
    silos: int | None = None
    refused_replies: int | None = None
    simulated_seconds: float | None = None
    simulated_communication_seconds: float | None = None
    wall_seconds: float | None = None
    training_cpu_seconds: float | None = None
    peak_memory_bytes: float | None = None
    model_sha256: str | None = None
    wer_spread: tuple[float, float] | None = None
    metrics: tuple[RoundData, ...] = ()
    traffic: tuple[TrafficTotal, ...] = ()
    hypotheses: tuple[HypothesisData, ...] = ()
    silo_scores: SiloScores | None = None
    speaker_scores: tuple[ScoreData, ...] = ()
    privacy: PrivacyData | None = None
    votes: VotesData | None = None

    @property
    def failed(self) -> bool:
        """Whether the row ended in a failure."""
        return self.status != "finished"


@dataclass(frozen=True)
class SpeedupCurve:
    """How many times faster than one worker some numbers of workers go through the data."""

    name: str
    workers: tuple[int, ...]
    speedups: tuple[float, ...]


@dataclass(frozen=True)
class SpeedupData:
    """The speed-ups of a run's rows, replayed on a network, beside published ones and their source."""

    network: str
    note: str
    curves: tuple[SpeedupCurve, ...]
    published: tuple[SpeedupCurve, ...]
    source: str


@dataclass(frozen=True)
class RunData:
    """A whole run folder. ``remarks`` tells what could not be read."""

    experiment: str
    seed: int | None
    version: str
    rows: tuple[RowData, ...]
    partition: PartitionData | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    experiment_toml: str = ""
    remarks: tuple[str, ...] = ()
    speedups: SpeedupData | None = None
