"""What a run folder holds, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fedasr.runs.decoding_data import DecodingData
from fedasr.runs.privacy_data import PrivacyData, VotesData
from fedasr.runs.publication.together import Together
from fedasr.runs.row_summary import RowSummary
from fedasr.runs.speech_data import SpeechData

GREEDY, DECODED = "greedy", "decoded"
"""How a score was heard: `SpeakerScore.decoding`."""


NEW_SPEAKERS, OWN_SPEAKERS, LEFT_BEHIND = "new speakers", "own speakers", "left behind"
"""Whose speech was scored: the test part, what silos hold out of their own, or that of the silos that the start serves
worst: `SpeakerScore.of`."""

NOISY = "new speakers, noisy"
"""The test part once more, with noise at ``corpus.noise.test_snr_db``; by the same speakers' names."""


@dataclass(frozen=True)
class RoundData:
    """One line of ``metrics.jsonl``; round 0 is the start, before training.

    Attributes
    ----------
    silos : int
        How many replied.
    refused : tuple of int
        The silos whose reply was refused or never came.
    dropped : tuple of int
        Those that the simulated network let drop out of the round.
    density, threshold : float
        Means of what the codec says of the replies.
    utterances, public_utterances : float
        Gradients of one utterance taken on speech of silos and on public speech.
    evaluation : mapping of str to float
        What the strategy made of the silos' evaluations on their held-out speech, by its own names; None where it
        did not evaluate.
    """

    round: int
    train_loss: float | None = None
    development_wer: float | None = None
    development_loss: float | None = None
    uplink_bytes: int | None = None
    downlink_bytes: int | None = None
    silos: int | None = None
    refused: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    wall_seconds: float | None = None
    training_cpu_seconds: float | None = None
    simulated_seconds: float | None = None
    simulated_communication_seconds: float | None = None
    density: float | None = None
    threshold: float | None = None
    evaluation: Mapping[str, float] | None = None
    utterances: float | None = None
    public_utterances: float | None = None


@dataclass(frozen=True)
class HypothesisData:
    """One line of ``hypotheses.jsonl``: what was said and what was heard, for one utterance.

    `hypothesis` is greedy; `decoded` is None where nothing else was.
    """

    id: str
    speaker: str
    reference: str
    hypothesis: str
    decoded: str | None = None


class ScoreData(Protocol):
    """The errors on one silo's or one speaker's speech; ``name`` says whose."""

    @property
    def name(self) -> str: ...

    @property
    def errors(self) -> int: ...

    @property
    def words(self) -> int: ...


@dataclass(frozen=True)
class SpeakerScore:
    """One line of ``speakers.json``: the errors on one speaker.

    `of` says whose speech: ``"new speakers"``, the test part; ``"new speakers, noisy"``, the same with noise; ``"own
    speakers"``, what silos hold out; ``"left behind"``, what those silos hold out that the start serves worst.
    `decoding` is ``"greedy"``, or ``"decoded"`` by the experiment's ``[decoding]``.
    """

    speaker: str
    errors: int
    words: int
    wer: float | None = None
    decoding: str = GREEDY
    of: str = NEW_SPEAKERS

    @property
    def name(self) -> str:
        """The speaker."""
        return self.speaker


@dataclass(frozen=True)
class SiloScore:
    """The errors on one silo's own speech, or of its own model."""

    silo: int
    speakers: tuple[str, ...]
    errors: int
    words: int
    wer: float | None = None

    @property
    def name(self) -> str:
        """The silo, and its speaker where it has one."""
        return f"silo {self.silo} · {self.speakers[0]}" if len(self.speakers) == 1 else f"silo {self.silo}"


@dataclass(frozen=True)
class SiloScores:
    """A row's ``silos.json``: of the final model, or of each silo's own.

    ``on`` is ``"held out"`` (what silos hold out of their own speech), ``"test"`` (the test speakers), or, in runs of
    earlier versions, ``"own speech"`` (what silos train on).
    """

    on: str
    silos: tuple[SiloScore, ...]


@dataclass(frozen=True)
class LeftBehind:
    """Who is left behind: the tenth of the silos that a start serves worst, by its errors on what they train on.

    Attributes
    ----------
    silos : tuple of int
        Their numbers.
    ranked : int
        How many silos they are the worst tenth of: those that hold speech out, or so many of them drawn by the seed.
    utterances : int
        By at most so many utterances each.
    """

    silos: tuple[int, ...]
    ranked: int
    utterances: int


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
    """One silo of the partition: its speakers, what it trains on, and what of its own it holds out."""

    silo: int
    speakers: tuple[str, ...]
    utterances: int
    seconds: float
    held_out_utterances: int = 0
    held_out_seconds: float = 0.0


@dataclass(frozen=True)
class PartData:
    """One of the sets that are nobody's silo: public, development or test."""

    speakers: tuple[str, ...]
    utterances: int
    seconds: float


@dataclass(frozen=True)
class PartitionData:
    """``partition.json``: who holds which speech."""

    rule: str
    silos: tuple[SiloData, ...]
    public_labelled: PartData
    public_unlabelled: PartData
    development: PartData
    test: PartData

    @property
    def training_speakers(self) -> int:
        """How many speakers the silos and the labelled public speech hold."""
        return len({name for silo in self.silos for name in silo.speakers} | set(self.public_labelled.speakers))


@dataclass(frozen=True)
class RowData(RowSummary):
    """One row of ``summary.json`` and the files of its folder."""

    mechanism: str | None = None
    metrics: tuple[RoundData, ...] = ()
    traffic: tuple[TrafficTotal, ...] = ()
    hypotheses: tuple[HypothesisData, ...] = ()
    silo_scores: SiloScores | None = None
    speaker_scores: tuple[SpeakerScore, ...] = ()
    privacy: PrivacyData | None = None
    votes: VotesData | None = None


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
class SharedStage:
    """Results that several rows used and one of them computed.

    Attributes
    ----------
    name : str
        What they are: ``"teacher"``.
    count : int
    rows : tuple of str
        The folders of the rows.
    """

    name: str
    count: int
    rows: tuple[str, ...]


@dataclass(frozen=True)
class RunData:
    """A whole run folder. ``remarks`` tells what could not be read, ``together`` what its rows promise together.

    ``crossed`` counts the speakers who are private in one draw and public, or scored on, in another; ``audible`` holds
    some test utterances by id, WAV in base64.
    """

    experiment: str
    seed: int | None
    version: str
    rows: tuple[RowData, ...]
    partition: PartitionData | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    experiment_toml: str = ""
    remarks: tuple[str, ...] = ()
    speedups: SpeedupData | None = None
    speech: SpeechData | None = None
    decoding: DecodingData | None = None
    scored: str | None = None
    shared: tuple[SharedStage, ...] = ()
    left_behind: tuple[LeftBehind, ...] = ()
    together: tuple[Together, ...] = ()
    crossed: int = 0
    audible: Mapping[str, str] = field(default_factory=dict)
