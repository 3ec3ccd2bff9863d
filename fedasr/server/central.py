"""Central: what a strategy's ``start`` is given, and the one place from which a row reports and is saved.

With `fedasr.messages.train` this is the contract for strategies of third parties.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, best_device
from fedasr.asr.tokens import Tokens
from fedasr.asr.word_errors import ErrorCounts, total
from fedasr.common.console import details
from fedasr.common.randomness import Streams, seeded_libraries
from fedasr.corpora.speech import Speech
from fedasr.experiment.choices import objective_of, protection_of
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.grid.exchange import Outcome
from fedasr.grid.silo_grid import SiloGrid
from fedasr.messages.kinds import SPEECH
from fedasr.messages.traffic import Traffic, bytes_moved
from fedasr.protection.boundary import Boundary
from fedasr.protection.releases import Releases
from fedasr.runs.data import RoundData
from fedasr.runs.file_names import STAGES
from fedasr.runs.row_folder import RowFolder
from fedasr.runs.stages.taught import teacher_in
from fedasr.server.progress import Progress
from fedasr.server.round_clock import Clock
from fedasr.server.scored_model import ScoredModel
from fedasr.server.scoring import Scorer, mean_loss
from fedasr.server.simulator_view import SimulatorView
from fedasr.student.trainer import CentralTrainer, TrainerSpec
from fedasr.training.batches import Examples
from fedasr.training.holdings import NOTHING, Holdings
from fedasr.training.learner import Learner
from fedasr.training.taken import Meter, Taken
from fedasr.training.targets.asked import TEACHER_ROLE, AskedOfTeacher
from fedasr.training.targets.stored import StoredTeacher

State = Mapping[str, NDArray[Any]]


GRID, SCORED = "grid/", "scored/"
"""What the grid remembers, and the scored model, stand in a checkpoint under names that begin so."""


@dataclass(frozen=True)
class PerSilo:
    """A model that stays in its silo: its errors on each test speaker, and on each speaker whom the silo holds out.

    `decoded` and `held_out_decoded` are the errors of what a decoder hears, `noisy` and `noisy_decoded` those on test
    speech with noise; empty where there is none.
    """

    errors: tuple[ErrorCounts, ...]
    model_sha256: str
    held_out: tuple[ErrorCounts, ...] = ()
    decoded: tuple[ErrorCounts, ...] = ()
    held_out_decoded: tuple[ErrorCounts, ...] = ()
    noisy: tuple[ErrorCounts, ...] = ()
    noisy_decoded: tuple[ErrorCounts, ...] = ()


@dataclass(frozen=True)
class Central:
    """The server's side of one row.

    Attributes
    ----------
    row : RowSpec
    training : TrainingSpec
        The row's rounds and local work.
    trainer_spec : TrainerSpec
        How the centre trains.
    augment : AugmentSpec
    public_labelled, public_unlabelled : Speech
        Speech that the server may hear. Nobody reads the transcripts of the second: ``text()`` raises.
    simulator : SimulatorView
        What no real server knows: scores transcripts of unlabelled speech, for the run folder alone.
    development : Speech
        Held-out speakers; may be empty.
    start : mapping of str to ndarray
        The weights that every row starts from.
    recogniser_spec : RecogniserSpec
    tokens : Tokens
    streams : Streams
        The row's random streams.
    folder : RowFolder
    score : Scorer
        ``score(weights, speech)`` transcribes speech with all workers.
    watch : callable
        Told of each round.
    grid : SiloGrid
        Its ``exchange`` sends messages to silos in a round and returns what came of them; all of it is logged with
        the next report.
    clock : Clock
        Gives each round its simulated time.
    releases : Releases
        Where everything that is published under a guarantee is stored and charged.
    roles : mapping of str to RecogniserSpec
        Recognisers of another shape than `recogniser_spec`, by role.
    role_start : callable
        Returns the weights that a recogniser of such a role starts from.
    boundary : Boundary, optional
        The protection at the silos' boundary, where the row has one.
    decoder : Decoder, optional
        What decodes every row's model, learnt on public text; None where rows are decoded greedily alone.
    scored : ScoredModel
        By which weights the row is scored; it follows what `after_round` is told.
    per_silo : dict
        What is known of models that stay in their silos, where a strategy makes such.
    pseudo_silos : callable, optional
        Opens a grid of public speakers who do silos' work (`Boundary.pseudo_silo_speakers`), with nothing kept.
    expected : Taken, optional
        The gradients of a round on average, where a protection at the boundary draws the cohort by secure coins.
    """

    row: RowSpec
    training: TrainingSpec
    trainer_spec: TrainerSpec
    augment: AugmentSpec
    public_labelled: Speech
    public_unlabelled: Speech
    simulator: SimulatorView
    development: Speech
    start: Weights
    recogniser_spec: RecogniserSpec
    tokens: Tokens
    streams: Streams
    folder: RowFolder
    score: Scorer
    watch: Callable[[Progress], None]
    grid: SiloGrid
    clock: Clock
    releases: Releases
    roles: Mapping[str, RecogniserSpec] = field(default_factory=dict)
    role_start: Callable[[str], Weights] | None = None
    boundary: Boundary | None = None
    decoder: Decoder | None = None
    scored: ScoredModel = field(default_factory=ScoredModel)
    per_silo: dict[int, PerSilo] = field(default_factory=dict)
    pseudo_silos: Callable[[], SiloGrid] | None = None
    expected: Taken | None = None
    _meter: Meter = field(default_factory=Meter)
    _clock: dict[str, float] = field(default_factory=lambda: {"round": time.monotonic(), "saved": 0.0})

    def recogniser(self) -> Recogniser:
        """Return a recogniser of the row's shape with the weights of the start."""
        recogniser = Recogniser(self.recogniser_spec, self.tokens).to(best_device())
        recogniser.load(self.start)
        return recogniser

    def start_of(self, role: str) -> Weights:
        """Return the weights that the recogniser of a role starts from: the row's start, unless its shape differs."""
        return self.role_start(role) if role in self.roles and self.role_start else self.start

    def fresh(self, role: str = "") -> Recogniser:
        """Return a recogniser of a role's shape, or the row's, with weights drawn from the row's stream."""
        with seeded_libraries(self.streams.sequence("fresh weights")):
            return Recogniser(self.roles.get(role, self.recogniser_spec), self.tokens).to(best_device())

    def private_trainer(
        self, recogniser: Recogniser, private: Speech, public: Speech, epochs: int = 0
    ) -> CentralTrainer:
        """Return a central trainer for speech of silos, under the row's protection, and public speech beside it.

        The speech must go nowhere else: a promise that the protection makes is made at a centre trusted with it. It
        trains as many epochs as ``[central]`` says, or others.
        """
        self.releases.trust_centre(SPEECH)
        learner = self._learner(recogniser, private, public)
        protection = protection_of(self.row)
        spec = replace(self.trainer_spec, epochs=epochs or self.trainer_spec.epochs)
        trainer = CentralTrainer(
            learner, spec, self.streams, protection=protection, releases=self.releases, meter=self._meter
        )  # fmt: skip
        if trainer.is_released:  # its stretches are no rounds of anything: its steps count
            trainer.iterates = self.scored.by_steps()
        return trainer

    def trainer(
        self, recogniser: Recogniser, speech: Speech, purpose: str = "central", epochs: int = 0
    ) -> CentralTrainer:  # fmt: skip
        """Return a central trainer for speech that the server may read; epochs as in `private_trainer`."""
        learner = self._learner(recogniser, NOTHING, speech)
        spec = replace(self.trainer_spec, epochs=epochs or self.trainer_spec.epochs)
        return CentralTrainer(learner, spec, self.streams, purpose, meter=self._meter)

    def _learner(self, recogniser: Recogniser, private: Examples, public: Examples) -> Learner:
        """Return what gradients at the centre are made of, by the row's objective."""
        objective, unlabelled = objective_of(self.row), self.public_unlabelled
        teacher = self._teacher(unlabelled if objective.hears_public else private, objective.asked_of_teacher)
        held = Holdings(private, public, unlabelled, self.public_labelled, teacher)
        size, seconds = self.trainer_spec.batch_size, self.trainer_spec.batch_seconds
        return Learner(recogniser, objective, held, self.augment, size, batch_seconds=seconds)

    def _teacher(self, heard: Examples, asked: AskedOfTeacher | None) -> StoredTeacher | None:
        """Return what the teacher says of speech at the centre; None where it is asked for nothing."""
        if asked is None or not len(heard):
            return None
        teacher = Recogniser(self.roles.get(TEACHER_ROLE, self.recogniser_spec), self.tokens).to(best_device())
        teacher.load(self.start_of(TEACHER_ROLE))
        return teacher_in(self.folder.path.parent / STAGES, teacher, heard, asked, self.decoder)

    def after_round(
        self, round: int, rounds: int, weights: Callable[[], Weights], state: Callable[[], State | None],
        train_loss: float | None = None, evaluate: bool | None = None, audio_seconds: float = 0.0,
        evaluation: Mapping[str, float] | None = None, before: int = 0,
    ) -> tuple[float | None, float | None]:  # fmt: skip
        """Report a round and save what a resumed row needs.

        By the models that are told here the row is scored (`fedasr.server.scored_model`).

        Parameters
        ----------
        round, rounds : int
            The round that has ended (0 is the start), and how many there are.
        weights : callable
            Returns the model of the round.
        state : callable
            Returns the arrays to continue from, or None where that is not possible.
        train_loss : float, optional
        evaluate : bool, optional
            Whether to score the development speakers; by default every ``evaluate_every`` rounds.
        audio_seconds : float
            Seconds of speech that the centre trained on since the round before.
        evaluation : mapping of str to float, optional
            What came of an evaluation in the silos, by names of its own.
        before : int
            How many of the rounds come before the first in which the model moves: they count in no mean.

        Returns
        -------
        tuple of float or None
            The WER and the loss on the development speakers, where they were scored.
        """
        due = round % self.training.evaluate_every == 0 or round == rounds if evaluate is None else evaluate
        moves = round - before, rounds - before
        model = weights() if due or self.scored.needs(*moves) else None
        wer, loss = self.evaluated(model) if due and model is not None else (None, None)
        self.scored.follow(*moves, model, wer, loss)
        self._log(round, train_loss, wer, loss, audio_seconds, evaluation)
        self.watch(Progress(self.row.name, round, rounds, train_loss, wer))
        if round < rounds:
            self._save(round, state)
        return wer, loss

    def note_public(self, gradients: float) -> None:
        """Count gradients of an utterance that were taken on public speech, with those that trainers count."""
        self._meter.add(Taken(0, gradients))

    def within(self, round: int, state: Callable[[], State | None]) -> None:
        """Save what a resumed row needs while the round after `round` is under way; before any was reported, that is 0.

        What was sent since then is reported with the round that is under way.
        """
        self._save(round or -1, state)

    def resume(self) -> tuple[int, State] | None:
        """Return the round and the state of the last checkpoint, None where the row begins.

        Messages of rounds up to that one were reported by the run that was interrupted: repeated, they count once.
        """
        saved = self.folder.load_checkpoint()
        self.folder.rewind(int(saved[1]["round"]) if saved else -1, saved[1] if saved else None)
        if saved is None:
            return None
        arrays, description = saved
        self.grid.log.reported = int(description["round"])
        self.grid.restore({n.removeprefix(GRID): a for n, a in arrays.items() if n.startswith(GRID)})
        self.grid.restore_silos(self.folder.silo_states(description))
        self.scored.restore({n.removeprefix(SCORED): a for n, a in arrays.items() if n.startswith(SCORED)})
        return int(description["round"]), {n: a for n, a in arrays.items() if not n.startswith((GRID, SCORED))}

    def evaluated(self, weights: Weights) -> tuple[float | None, float | None]:
        """Return the WER and the loss on the development speakers; None where there are none.

        The WER is greedy; of a head that writes phones, and words in a search alone, it is that of the search.
        """
        if not len(self.development):
            return None, None
        heard = self.score(weights, self.development, with_losses=True, decode=self.recogniser_spec.is_aligned)
        return total([h.errors for h in heard]).wer, mean_loss(heard)

    def _log(
        self, round: int, train_loss: float | None, wer: float | None, loss: float | None, audio_seconds: float,
        evaluation: Mapping[str, float] | None,
    ) -> None:  # fmt: skip
        taken = self._taken(round)
        traffic, outcomes = self.grid.log.drain()
        time_of_round = self.clock.round(round, traffic, outcomes, audio_seconds)
        now = time.monotonic()
        line = RoundData(
            round, train_loss, wer, loss,
            uplink_bytes=bytes_moved(traffic, "up"), downlink_bytes=bytes_moved(traffic, "down"),
            silos=_replied(outcomes, traffic),
            refused=tuple(o.request.silo for o in outcomes if o.content is None and not o.dropped_out),
            dropped=tuple(o.request.silo for o in outcomes if o.dropped_out),
            wall_seconds=now - self._clock["round"],
            training_cpu_seconds=sum(o.cpu_seconds for o in outcomes),
            simulated_seconds=time_of_round.seconds,
            simulated_communication_seconds=time_of_round.communication_seconds,
            density=_mean(outcomes, "density"), threshold=_mean(outcomes, "threshold"), evaluation=evaluation,
            utterances=taken.private if taken else None, public_utterances=taken.public if taken else None,
        )  # fmt: skip
        self._clock["round"] = now
        details.debug("%s: round %d, loss %s, %s silos replied", self.row.name, round, train_loss, line.silos)
        self.folder.log_round(line, traffic)

    def _taken(self, round: int) -> Taken | None:
        """Return the gradients that were taken since the last report, in the silos and at the centre."""
        in_silos, at_centre = self.grid.log.drain_taken(), self._meter.taken or Taken()
        self._meter.taken = None
        if self.boundary is not None and round > 0:
            in_silos = self.expected
        return None if in_silos is None else in_silos + at_centre

    def _save(self, round: int, state: Callable[[], State | None]) -> None:
        """Save unless saving would cost more than a twentieth of the time."""
        begun = time.monotonic()
        if begun < self._clock["saved"]:
            return
        arrays = state()
        if arrays is not None:
            together = {**arrays, **{GRID + name: array for name, array in self.grid.state().items()}}
            together |= {SCORED + name: array for name, array in self.scored.state().items()}
            plain = {name: np.asarray(array) for name, array in together.items()}
            self.folder.save_checkpoint(plain, {"round": round}, self.grid.silo_states())
        self._clock["saved"] = time.monotonic() + 20 * (time.monotonic() - begun)


def _replied(outcomes: Sequence[Outcome], traffic: Sequence[Traffic]) -> int:
    """Return how many replied; of a release that was read again, as its messages tell."""
    if outcomes:
        return sum(outcome.content is not None for outcome in outcomes)
    return len({message.silo for message in traffic if message.direction == "up"})


def _mean(outcomes: Sequence[Outcome], metric: str) -> float | None:
    """Return the mean of a metric over the replies that have it."""
    values = [value for outcome in outcomes if (value := outcome.metric(metric)) is not None]
    return float(np.mean(values)) if values else None
