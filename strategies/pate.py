"""PATE for speech: private teachers vote on public speech, and a student learns from the noisy answers.

Papernot et al. 2017 (arXiv 1610.05755) and 2018 (1802.08908); for speech Yang et al., SLT 2022 (2210.05614).

Guarantee: every answer is a release of its mechanism (`fedasr.privacy`), charged before it is used; what
follows, the student among it, is computed from releases and public speech alone. The unit is the silo: one
silo's speech moves one teacher. The server that counts votes is trusted with them, unless teachers add the
noise themselves (`fedasr.strategies.pate_trust`); what is published is the student.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, Message
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result
from numpy.typing import NDArray

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.nbest import nbest
from fedasr.asr.decoding.prefix import encoded
from fedasr.asr.features import stacked_length
from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError
from fedasr.common.settings import Settings
from fedasr.corpora.speech import Speech
from fedasr.corpora.stores.joined import joined
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import TEACHER, Kind
from fedasr.messages.records import array_record
from fedasr.messages.train_reply import utterances_of
from fedasr.messages.train_request import TrainRequest
from fedasr.messages.votes import Question, answer_of
from fedasr.privacy.accounting.budget import Budget, budget_for
from fedasr.privacy.accounting.calibration import noise_for, with_noise
from fedasr.privacy.accounting.feasibility import are_heard
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.runs.privacy_data import MechanismData, VotesData
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with
from fedasr.server.conditions import Conditions
from fedasr.server.work.recipe import Recipe
from fedasr.server.work.workload import Asked, RowWork
from fedasr.student.trainer import TrainerSpec
from fedasr.student.transcripts import with_transcripts
from fedasr.voting.ballot import Ballot
from fedasr.voting.candidates import vote_on_candidates
from fedasr.voting.frames import vote_on_frames
from fedasr.voting.labels import vote_on_labels

from .pate_settings import PATESettings
from .pate_trust import against_server, noise_of, trust_of

TEACHERS, VOTES = 1, 2
"""The rounds before the student's epochs."""
LABELS_UNKNOWN = 20
"""Labels expected of an utterance where no public transcript tells."""


class PATE(CentralStrategy):
    """Private aggregation of teacher ensembles.

    Parameters
    ----------
    settings : PATESettings, optional

    Attributes
    ----------
    remark : str
        What is to be said of the row: that its teachers cannot be heard through the noise that its promise asks for.
    unit_and_delta : tuple
        Whom its promise is to, and its δ: checked before anything is trained.
    """

    settings_class: ClassVar[type[Settings]] = PATESettings
    carries_epsilon: ClassVar[bool] = True
    protected: ClassVar[str | None] = "teachers: "

    def __init__(self, settings: PATESettings | None = None) -> None:
        self.settings = settings or PATESettings()
        self.unit_and_delta, self.remark = ("silo", self.settings.delta), ""
        self.sizes: list[int] = []

    @property
    def needs_decoder(self) -> bool:
        """Whether it asks for the experiment's ``[decoding]``."""
        return self.settings.proposals == "decoded"

    def workload(self, asked: Asked) -> RowWork:
        """Return what teachers take; the votes, which its promise bounds, say how much a student is told."""
        return RowWork(asked.of_steps(self.settings.teacher_steps), 1, key="", is_paid=True)

    def recipe(self, training: TrainingSpec, central: TrainerSpec) -> Recipe:
        """Return how teachers train; the student does as the centre does."""
        return Recipe.of_silos(training, f"{self.settings.teacher_steps} a teacher, student {central.epochs} epochs")

    def lacking(self, conditions: Conditions) -> Iterable[str]:
        """Yield that there is nothing to vote on, or that teachers score no frames to vote on."""
        if not conditions.unlabelled_speakers:
            yield "there is no public unlabelled speech to vote on; set corpus.unlabelled_speakers"
        if self.settings.votes == "frame" and not conditions.scores_frames:
            yield "the head scores no single frames to vote on; set model.head = 'ctc' or votes = 'label'"

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Train teachers, let them vote, and train the student."""
        chunks, most = self._asked_about(central), self._most_labels(central)
        noise, budget = self._promised(central, chunks, self._most_votes(central, chunks, most))
        saved = central.resume()
        if saved is None:
            self._train_teachers(central)
        else:
            self.sizes = saved[1]["sizes"].tolist()
        voted = self._vote(central, chunks, most, noise, budget)
        if saved is None or saved[0] < VOTES:
            self._after(central, VOTES)
        student = self._train_student(central, voted, saved[1] if saved and saved[0] > VOTES else None)
        central.releases.save()
        return result_with(array_record(student.weights()))

    def _train_teachers(self, central: Central) -> None:
        is_public = self.settings.teacher_start == "public"
        start = central.start_of("teacher") if is_public else central.fresh("teacher").weights()
        content = TrainRequest(start, TEACHERS, steps=self.settings.teacher_steps).to_record()
        nodes = list(central.grid.get_node_ids())
        messages = [Message(content, node, TEACHER.name) for node in nodes]
        answers = central.grid.exchange(messages, round=TEACHERS, timeout=central.training.timeout_seconds)
        if answers.answered < max(1, central.training.least_replies * len(nodes)):
            failed = answers.failed
            raise RowError(f"{len(failed)} of {len(nodes)} silos trained no teacher: {failed[0].error}")
        sizes = {reply.metadata.src_node_id: max(utterances_of(reply.content), 1) for reply in answers.good}
        self.sizes = [sizes.get(node, 0) for node in nodes]
        self._after(central, TEACHERS)

    def _after(self, central: Central, round: int) -> None:
        """Report a round before the student's first."""
        rounds, state = VOTES + central.trainer_spec.epochs, {"sizes": np.array(self.sizes)}
        central.after_round(round, rounds, lambda: central.start, lambda: state, None, False, before=VOTES)

    def _asked_about(self, central: Central) -> list[list[int]]:
        """Return the public utterances to ask about, in parts that are asked about together."""
        chosen = central.streams.numpy("asked").permutation(len(central.public_unlabelled)).tolist()
        chosen = chosen[: self.settings.utterances or len(chosen)]
        return [sorted(chosen[at : at + self.settings.chunk]) for at in range(0, len(chosen), self.settings.chunk)]

    def _most_labels(self, central: Central) -> int:
        """Return after how many labels a transcript ends unasked."""
        longest = max((len(central.tokens.encode(text)) for text in central.public_labelled.texts()), default=0)
        return self.settings.maximum_labels or 2 * (longest or LABELS_UNKNOWN)

    def _vote(self, central: Central, chunks: list[list[int]], most: int, noise: float, budget: Budget) -> Speech:
        """Return public speech with the transcripts that were voted."""
        speech, tokens = central.public_unlabelled, central.tokens.size
        ballot = self._ballot(central, noise, budget)
        match self.settings.votes:
            case "label":
                sigma = self._sigma_at_teacher(ballot) if self.settings.noise_at == "teacher" else 0.0
                voted = vote_on_labels(ballot, chunks, tokens, most, sigma)
            case "utterance":
                voted = vote_on_candidates(ballot, chunks, self._public_candidates(central, chunks, most))
            case _:
                voted = vote_on_frames(ballot, chunks, _frames(central, range(len(speech))), tokens)
        texts = {place: central.tokens.decode(labels) for place, labels in sorted(voted.items())}
        self._describe(central, ballot, texts, sum(map(len, chunks)))
        return with_transcripts(speech, texts)

    def _sigma_at_teacher(self, ballot: Ballot) -> float:
        """Return what each teacher adds: the mean has the mechanism's noise though a silo without one adds none."""
        assert isinstance(ballot.mechanism, NoisyMean)
        return ballot.mechanism.sigma * len(self.sizes) / math.sqrt(ballot.noisy_teachers)

    def _ballot(self, central: Central, noise: float, budget: Budget) -> Ballot:
        nodes = list(central.grid.get_node_ids())
        sizes = np.array(self.sizes, np.float64)
        weights = sizes / sizes.max() if self.settings.weighting == "utterances" else np.ones(len(nodes))
        mechanism = self._mechanism(noise, len(nodes), self.settings.threshold * float(weights.sum()))

        def ask(kind: Kind, question: Question) -> list[NDArray[Any] | None]:
            content = question.to_record(VOTES)
            messages = [Message(content, node, kind.name) for node in nodes]
            answers = central.grid.exchange(messages, round=VOTES, timeout=central.training.timeout_seconds)
            if not answers.answered:
                raise RowError(f"no teacher answered: {answers.failed[0].error}")
            good = {reply.metadata.src_node_id: answer_of(reply.content) for reply in answers.good}
            return [good.get(node) for node in nodes]

        return Ballot(mechanism, budget, central.releases, ask, weights, int((sizes > 0).sum()))

    def _noise(self, votes: int, silos: int) -> float:
        """Return the noise that is set, or planned for as many votes as are expected."""
        plan, noise = self.settings, self.settings.noise
        if noise is None:
            noise = noise_for(
                plan.mechanism, votes, plan.epsilon, plan.delta, plan.adjacency,
                teachers=silos, check_ratio=plan.check_ratio,
            )  # fmt: skip
            noise *= noise_of(plan, silos)
        if not are_heard(plan.mechanism, noise, silos):
            self.remark = f"{silos:,} teachers cannot be heard through the noise of {noise:.3g} votes"
        return noise

    def _mechanism(self, noise: float, silos: int, threshold: float = 0.0) -> Mechanism:
        plan = self.settings
        return against_server(
            plan, with_noise(plan.mechanism, noise, teachers=silos, threshold=threshold, check_ratio=plan.check_ratio)
        )

    def _promised(self, central: Central, chunks: list[list[int]], most_votes: int) -> tuple[float, Budget]:
        """Return the noise, and the filter of the votes: the target, or less where all that can be asked takes less.

        That allowance is what is promised. Everything in it is public and known before the first answer; what a vote
        costs does not depend on its threshold.
        """
        plan, silos = self.settings, len(list(central.grid.get_node_ids()))
        noise = self._noise(self._planned_votes(central, chunks), silos)
        vote = self._mechanism(noise, silos)
        budget = budget_for(vote, plan.epsilon, plan.delta, plan.adjacency).at_most(vote, most_votes)
        promise = Promise("silo", plan.adjacency, plan.delta, ((budget.allowance, 1),))
        central.releases.promise(promise, trust=trust_of(plan, promise, silos))
        return noise, budget

    def _most_votes(self, central: Central, chunks: list[list[int]], most_labels: int) -> int:
        """Return how many votes there can be at most."""
        asked = [place for chunk in chunks for place in chunk]
        if self.settings.votes == "frame":
            return sum(_frames(central, asked))
        return len(asked) * (most_labels if self.settings.votes == "label" else 1)

    def _planned_votes(self, central: Central, chunks: list[list[int]]) -> int:
        """Return how many votes are to be expected, from public transcripts and public speech alone."""
        asked = [place for chunk in chunks for place in chunk]
        if self.settings.votes == "utterance":
            return len(asked)
        speech, known = central.public_unlabelled, central.public_labelled
        if self.settings.votes == "frame":
            return sum(_frames(central, asked))
        if not len(known):
            return len(asked) * (LABELS_UNKNOWN + 1)
        labels = sum(len(central.tokens.encode(text)) + 1 for text in known.texts())
        rate = labels / max(int(known.frames_of().sum()), 1)
        return max(1, round(rate * sum(speech.frames(place) for place in asked)))

    def _public_candidates(self, central: Central, chunks: list[list[int]], most: int) -> dict[int, list[list[int]]]:
        """Return what the public model would say to each utterance: lists that no silo has a part in."""
        recogniser, speech, wanted = central.recogniser(), central.public_unlabelled, self.settings.candidates
        beam = max(self.settings.beam, wanted)
        found: dict[int, list[list[int]]] = {}
        for chunk in chunks:
            features = [speech.features(place) for place in chunk]
            batch = make_batch(features, stacked=recogniser.spec.frames_stacked)
            if central.decoder is not None and self.needs_decoder:
                encodings_BTF = encoded(recogniser, batch.features_BTF, batch.lengths_B)
                texts = central.decoder.texts(recogniser, encodings_BTF, batch.lengths_B, wanted, most)
                lists = [[text.labels for text in heard] for heard in texts]
            else:
                hypotheses = nbest(recogniser, batch.features_BTF, batch.lengths_B, wanted, beam, most)
                lists = [[hypothesis.labels for hypothesis in heard] for heard in hypotheses]
            found |= {place: [list(labels) for labels in heard] for place, heard in zip(chunk, lists, strict=True)}
        return found

    def _train_student(self, central: Central, voted: Speech, state: Any) -> Recogniser:
        recogniser = central.recogniser()
        speech = joined([central.public_labelled, voted])
        if not len(speech):
            raise RowError("there is nothing to learn from: no vote gave a transcript, and no public speech has one")
        trainer = central.trainer(recogniser, speech, "student")
        if state is not None:
            trainer.restore(state)
        epochs = trainer.spec.epochs
        seconds = trainer.seconds_an_epoch()

        def after_epoch(epoch: int, loss: float | None) -> None:
            due = epoch % self.settings.evaluate_every == 0 or epoch == epochs
            central.after_round(
                epoch + VOTES, epochs + VOTES, recogniser.weights, state_now, loss, due, seconds, before=VOTES
            )  # fmt: skip

        def state_now() -> dict[str, NDArray[Any]]:
            return {**trainer.state(), "sizes": np.array(self.sizes)}

        trainer.run(after_epoch)
        return recogniser

    def _describe(self, central: Central, ballot: Ballot, texts: dict[int, str], asked: int) -> None:
        """Write the simulator's view of the vote: no real server may look at agreement or at true transcripts."""
        counts = central.simulator.errors(texts)
        votes = np.concatenate(ballot.histograms) if ballot.histograms else np.zeros((0, 1))
        shares = votes.max(1) / np.maximum(votes.sum(1), 1) if len(votes) else np.zeros(0)
        promised = central.releases.promised
        are_whole = len(votes) and self.settings.weighting == "uniform"
        seen = VotesData(
            MechanismData.from_json(ballot.mechanism.fields()), asked, len(texts), ballot.asked, ballot.abstained,
            counts.wer if texts else None, float(shares.mean()) if len(votes) else None,
            sum(size > 0 for size in self.sizes), promised.epsilon if promised else None,
        )  # fmt: skip
        central.folder.write_votes(seen, np.round(votes).astype(np.int64) if are_whole else None)


def _frames(central: Central, places: Iterable[int]) -> list[int]:
    """Return how many frames teachers score of some public utterances."""
    spec, speech = central.roles.get("teacher", central.recogniser_spec), central.public_unlabelled
    return [stacked_length(speech.frames(place), spec.frames_stacked) for place in places]
