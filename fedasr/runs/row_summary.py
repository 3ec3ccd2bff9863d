"""A row's line of ``summary.json``: the one list of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FINISHED, FAILED = "finished", "failed"

VOID = "void"
GUARANTEES = ("accountant", "data-independent", "sanitised")
"""The kinds of ε that hold; a data-dependent ε that was not sanitised is none of them."""


@dataclass(frozen=True)
class RowSummary:
    """What a run says of a row. None: not measured, or nothing is promised.

    Attributes
    ----------
    name, strategy, objective, protection, codec, network : str
        The point of the comparison.
    role : str
        The role whose recogniser it trains, where that is not the experiment's own.
    folder : str
        The row's folder inside the run folder.
    draw : int
        Which draw of the speakers, where the experiment has several.
    population : str
        Whom its speakers were drawn from, where each draw has speakers of its own (rendered speech); else all draws
        take them from one corpus, and a name means the same person in each.
    training_speakers : int
        Of a draw: how many speakers the silos and the labelled public speech hold.
    status, failure : str
        ``"finished"`` or ``"failed"``, and why.
    wer, wer_low, wer_high, cer : float
        On the test speakers, fractions; the interval is that of 95% over speakers of this one model.
    wer_decoded, wer_decoded_low, wer_decoded_high : float
        The same, decoded as the experiment's ``[decoding]`` says; `wer` is greedy.
    noisy_wer, noisy_wer_low, noisy_wer_high, noisy_wer_decoded : float
        On the test speakers' speech with noise, where the experiment asks for it (``corpus.noise.test_snr_db``).
    insertions, deletions, substitutions : int
        Word errors on the test speakers.
    wer_spread : tuple of float
        Lowest and highest WER over silos whose models stay with them.
    own_wer, own_wer_low, own_wer_high, own_wer_decoded : float
        On own speakers: the speech that silos hold out of their own, by the final model, or by each silo's own.
    left_behind_wer, left_behind_wer_low, left_behind_wer_high : float
        The same on those silos alone that the start serves worst (`fedasr.runs.data.LeftBehind`).
    development_wer, development_loss : float
        Of the scored model on the development speakers; the loss in nats a token.
    teacher_agreement, teacher_agreement_spoken : float
        The share of the development speakers' frames in which its surest output is its teacher's, where it has one:
        of all frames, and of those in which the teacher's is not the blank, or silence.
    subspace_overlap : float
        The mean squared cosine of the principal angles between public and private gradients' longest directions, at the
        start: what the simulator knows of a row that projects on public directions.
    epsilon, delta, privacy_unit, adjacency, epsilon_kind
        What is promised, fixed before the first release; epsilon is None where the promise is void or broken.
    trust : str
        Who is trusted with what, and who is guarded against: whose eyes epsilon holds for.
    epsilon_spent : float
        What was released cost in the end: no guarantee where its number depended on the answers.
    epsilon_bound : str
        The proven bound that epsilon is: ``"exact"``, ``"pld"``, ``"pure"``, ``"rdp"`` or ``"sanitised"``.
    epsilon_if_secure : float
        Of a void row: what would be promised if its noise were secure and its sampling as assumed.
    epsilon_before : float
        What the rows that it begins from have promised together, at the δ of the last of them; epsilon holds it, too.
    epsilon_together : float
        What is promised, to that unit of that adjacency, by all that is published with the row, itself included: in the
        summary alone, since it changes with every row that ends.
    epsilon_empirical : float
        The lower bound that an audit found.
    start_speech : str
        What the model has heard that it begins from: ``"public"``, ``"declared public"``, ``"protected"``,
        ``"private"`` or ``"unknown"``; after the last two nothing is promised.
    private_speech : bool
        Whether the silos' speech had a part in it, by its own messages or in what it begins from; what a row before it
        released under a promise is that row's. None: nobody can tell.
    lineage : tuple of str
        The rows that it begins from, the nearest last.
    uplink_bytes, downlink_bytes : int
        All messages as encoded.
    utterances, public_utterances : float
        Gradients of one utterance that were taken on speech of silos and on public speech (the start's, which all rows
        share, are not among them); expected ones where secure coins draw, None where a node of its own does not say.
    recipe : mapping of str to str
        How the row trains, in words.
    rounds, silos, silos_per_round : int
    refused_replies, dropped_replies : int
        Those that were refused or never came, and those of silos that the simulated network let drop out.
    simulated_seconds, simulated_communication_seconds, training_cpu_seconds, wall_seconds : float
    peak_memory_bytes : int
        Proportional set size of all processes.
    scored : str
        By which weights: ``"mean"``, ``"last"`` or ``"best"``; see the experiment's key.
    model_sha256 : str
        Of names, shapes, types other than float32, and values.
    note : str
    """

    name: str
    status: str
    strategy: str
    folder: str
    seed: int | None = None
    draw: int | None = None
    population: str | None = None
    training_speakers: int | None = None
    failure: str | None = None
    note: str | None = None
    objective: str | None = None
    protection: str | None = None
    codec: str | None = None
    network: str | None = None
    role: str | None = None
    wer: float | None = None
    wer_low: float | None = None
    wer_high: float | None = None
    cer: float | None = None
    wer_decoded: float | None = None
    wer_decoded_low: float | None = None
    wer_decoded_high: float | None = None
    noisy_wer: float | None = None
    noisy_wer_low: float | None = None
    noisy_wer_high: float | None = None
    noisy_wer_decoded: float | None = None
    insertions: int | None = None
    deletions: int | None = None
    substitutions: int | None = None
    wer_spread: tuple[float, float] | None = None
    own_wer: float | None = None
    own_wer_low: float | None = None
    own_wer_high: float | None = None
    own_wer_decoded: float | None = None
    left_behind_wer: float | None = None
    left_behind_wer_low: float | None = None
    left_behind_wer_high: float | None = None
    development_wer: float | None = None
    development_loss: float | None = None
    teacher_agreement: float | None = None
    teacher_agreement_spoken: float | None = None
    subspace_overlap: float | None = None
    epsilon: float | None = None
    delta: float | None = None
    privacy_unit: str | None = None
    adjacency: str | None = None
    epsilon_kind: str | None = None
    trust: str | None = None
    epsilon_spent: float | None = None
    epsilon_bound: str | None = None
    epsilon_if_secure: float | None = None
    epsilon_before: float | None = None
    epsilon_together: float | None = None
    epsilon_empirical: float | None = None
    private_speech: bool | None = None
    start_speech: str | None = None
    lineage: tuple[str, ...] = ()
    uplink_bytes: int | None = None
    downlink_bytes: int | None = None
    utterances: float | None = None
    public_utterances: float | None = None
    recipe: Mapping[str, str] | None = None
    rounds: int | None = None
    silos: int | None = None
    silos_per_round: int | None = None
    refused_replies: int | None = None
    dropped_replies: int | None = None
    simulated_seconds: float | None = None
    simulated_communication_seconds: float | None = None
    training_cpu_seconds: float | None = None
    wall_seconds: float | None = None
    peak_memory_bytes: int | None = None
    scored: str | None = None
    model_sha256: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the row ended in a failure."""
        return self.status != FINISHED

    @property
    def promises(self) -> bool:
        """Whether its ε holds; a row that names no kind was written before kinds were."""
        return self.epsilon is not None and (self.epsilon_kind is None or self.epsilon_kind in GUARANTEES)
