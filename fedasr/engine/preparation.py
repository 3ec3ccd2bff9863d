"""Preparation: from an experiment to speech with features, a partition and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import or_
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.features import LogMel
from fedasr.asr.recogniser import RecogniserSpec
from fedasr.asr.tokens import Tokens, given_characters, learn_characters, learn_pieces, learn_words, least_pieces
from fedasr.common.errors import UserError
from fedasr.common.randomness import Streams
from fedasr.corpora.checking.summary import CorpusSummary
from fedasr.corpora.features.building import read_meta
from fedasr.corpora.features.placed import placed, rows_of, rows_of_all
from fedasr.corpora.features.store import cache_folder, prepare, store_of
from fedasr.corpora.holding_out import hold_out, told_of_small
from fedasr.corpora.noisy.casting import noisy_names, told_of_noise, with_noise
from fedasr.corpora.partition import Partition, divide, told_of_fold
from fedasr.corpora.spec import NODES
from fedasr.corpora.sped import sped_copies
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.engine.aligning import align, unalignable_speech
from fedasr.engine.equal_work import at_equal_work
from fedasr.engine.loading import PUBLIC_PREFIX, load_speech, told_of_overlap, told_of_public, told_of_unseen
from fedasr.engine.pronouncing import learnt_phones
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.runs.heard import HeardSpeech, heard_in


@dataclass(frozen=True)
class Prepared:
    """Everything that all rows share.

    Attributes
    ----------
    experiment : Experiment
    speech : Speech
        All of it; workers open it from `folder`.
    folder : Path
    partition : Partition
    tokens : Tokens
    recogniser_spec : RecogniserSpec
    summaries : mapping
        What is to be said of each corpus that was read.
    said : tuple of str
        What is to be said of the public speech, and of what silos hold out.
    holdings : tuple of int
        The utterances of each silo, where its speech lies with its node and not here.
    decoder : Decoder, optional
        What decodes every row's model; None where rows are decoded greedily alone, and before it is made.
    stated : Experiment, optional
        The experiment as it was asked for; in `experiment` rows have the rounds that its work asks for.
    """

    experiment: Experiment
    speech: Speech
    folder: Path
    partition: Partition
    tokens: Tokens
    recogniser_spec: RecogniserSpec
    summaries: Mapping[str, CorpusSummary] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    holdings: tuple[int, ...] = ()
    decoder: Decoder | None = None
    stated: Experiment | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """The utterances of each silo."""
        return self.holdings or tuple(map(len, self.partition.silos))

    @property
    def digest(self) -> str:
        """What the speech is called by: ids, transcripts, audio and features have a part in it, where they lie none."""
        return self.folder.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of all speech once: which is public, and what was done to its audio."""
        return (*self.said, *read_meta(self.folder)["notes"])

    @property
    def roles(self) -> dict[str, RecogniserSpec]:
        """The recognisers whose shape is not that of `recogniser_spec`, by role."""
        shapes = {role: self.experiment.model_of(role).recogniser() for role in self.experiment.roles}
        return {role: shape for role, shape in shapes.items() if shape != self.recogniser_spec}

    def in_role(self, role: str) -> Prepared:
        """Return the same with the recogniser of a role in the place of the experiment's; none keeps it."""
        return replace(self, recogniser_spec=self.roles[role]) if role in self.roles else self

    def part(self, name: str) -> Speech:
        """Return the speech of ``"public_labelled"``, ``"public_unlabelled"``, ``"development"`` or ``"test"``.

        With their transcripts, which are the simulator's where the speech is unlabelled.
        """
        return self.speech.of_speakers(getattr(self.partition, name))

    def silo_speech(self, silo: int, most: int) -> Speech:
        """Return at most so many of the utterances that one silo trains on."""
        return self._part(np.sort(rows_of(self.partition.silos[silo][:most], self.speech.store)))

    @property
    def noisy_test(self) -> Speech:
        """The test speech with noise, its speakers called by `noisy_names`; empty where none is asked for."""
        return self.speech.of_speakers(noisy_names(self.partition.test))

    @cached_property
    def held_out(self) -> Speech:
        """The speech that silos hold out of their own; empty where they hold none."""
        return self._part(rows_of_all(self.partition.held_out, self.speech.store))

    def held_out_by(self, silo: int) -> Speech:
        """Return what one silo holds out of its own; empty where its speech lies elsewhere."""
        return self._part(rows_of(self.partition.held_out_by(silo), self.speech.store))

    @property
    def in_silos(self) -> Speech:
        """The speech that silos train on."""
        return self._part(rows_of_all(self.partition.silos, self.speech.store))

    @cached_property
    def heard_public(self) -> HeardSpeech:
        """The speech that this experiment calls public, development speakers among it, by digests."""
        parts = (self.part(name) for name in ("public_labelled", "public_unlabelled", "development"))
        return reduce(or_, (heard_in(part, PUBLIC_PREFIX) for part in parts))

    @cached_property
    def heard_in_silos(self) -> HeardSpeech:
        """The speech of silos, by digests; of nodes that hold their own nobody here can tell."""
        if self.partition.rule == NODES:
            return HeardSpeech(is_whole=False)
        return heard_in(self.in_silos) | heard_in(self.held_out)

    def _part(self, rows: NDArray[np.integer]) -> Speech:
        return Speech(self.speech.store, rows)


@dataclass(frozen=True)
class DividedCorpus:
    """An experiment's speech before it has features: who holds what, and the tokens of its public text."""

    experiment: Experiment
    utterances: Sequence[Utterance]
    partition: Partition
    tokens: Tokens
    recogniser_spec: RecogniserSpec
    summaries: Mapping[str, CorpusSummary] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    stated: Experiment | None = None


def prepare_experiment(experiment: Experiment, workers: int, watcher: Watcher) -> Prepared:
    """Load or render the corpus, divide it, learn tokens on public text and compute features.

    Raises
    ------
    UserError
        Where the corpus is not what the experiment needs.
    """
    return extract_features(divide_corpus(experiment, watcher), workers, watcher)


def divide_corpus(experiment: Experiment, watcher: Watcher) -> DividedCorpus:
    """Do what takes no time: whatever is wrong with a corpus but its audio is refused here."""
    watcher.stage("corpus")
    speech = load_speech(experiment.corpus, experiment.seed, watcher)
    streams = Streams(experiment.seed)
    partition = divide(speech.utterances, experiment.corpus, streams.numpy("partition"), speech.public, speech.given)
    partition = hold_out(partition, experiment.corpus.held_out, streams)
    given = [utterance for found in speech.given.values() for utterance in found]
    used, noise = _used([*speech.utterances, *speech.public, *given], partition), experiment.corpus.noise
    everything = with_noise(used, partition, noise, streams)
    lines = (
        told_of_fold(speech.utterances, experiment.corpus, speech.public),
        told_of_public(speech, partition),
        told_of_overlap(speech),
        told_of_unseen(speech, partition),
        told_of_small(partition, experiment.corpus.held_out),
        told_of_noise(everything, noise),
    )
    said = tuple(filter(None, lines))
    for line in said:
        watcher.stage(line)
    stated, experiment = experiment, at_equal_work(experiment, tuple(map(len, partition.silos)))
    tokens = _learn_tokens(experiment, everything, partition)
    if tokens.aligned_by and (refusal := unalignable_speech(experiment.model, everything)):
        raise UserError(refusal)
    return DividedCorpus(
        experiment, everything, partition, tokens, experiment.model.recogniser(), speech.summaries, said,
        stated,
    )  # fmt: skip


def extract_features(corpus: DividedCorpus, workers: int, watcher: Watcher) -> Prepared:
    """Compute the features of a divided corpus, or find them in the cache."""
    features = corpus.recogniser_spec.features
    copies = sped_copies(_learnt(corpus.utterances, corpus.partition), corpus.experiment.augment.speeds)
    speech = prepare(
        corpus.utterances, LogMel(features), features.digest, cache_folder(), features.sample_rate_hz, workers,
        watcher.prepared, copies,
    )  # fmt: skip
    store = store_of(speech)
    if corpus.tokens.aligned_by:
        watcher.stage("alignments")
        align(corpus.experiment, speech, store.folder, corpus.tokens.aligned_by)
    return Prepared(
        corpus.experiment, speech, store.folder, placed(corpus.partition, store), corpus.tokens,
        corpus.recogniser_spec, corpus.summaries, corpus.said, stated=corpus.stated,
    )  # fmt: skip


def _used(utterances: list[Utterance], partition: Partition) -> list[Utterance]:
    """Return the utterances that somebody holds: the others need no features."""
    held = partition.in_silos()
    parts = (partition.public_labelled, partition.public_unlabelled, partition.development, partition.test)
    speakers = {speaker for part in parts for speaker in part}
    return [u for u in utterances if u.id in held or u.speaker in speakers]


def _learnt(utterances: Sequence[Utterance], partition: Partition) -> list[Utterance]:
    """Return the utterances that may be trained on: silos' own and public ones."""
    own = {name for part in partition.silos for name in part}
    public = {*partition.public_labelled, *partition.public_unlabelled}
    return [u for u in utterances if u.id in own or u.speaker in public]


def _learn_tokens(experiment: Experiment, utterances: Sequence[Utterance], partition: Partition) -> Tokens:
    model, labelled = experiment.model, set(partition.public_labelled)
    public = [u for u in utterances if u.speaker in labelled]
    texts = [u.text for u in public]
    if model.tokens == "characters":
        return given_characters(model.alphabet) if model.alphabet else learn_characters(texts)
    if not texts:
        raise UserError(f"model.tokens: {model.tokens} are learnt on public text, and there are no public speakers")
    if model.tokens == "words":
        return learn_words(texts)
    if model.tokens == "phones":
        return learnt_phones(experiment, public)
    if model.pieces < (least := least_pieces(texts)):
        raise UserError(
            f"model.pieces: {model.pieces} pieces are too few for the {least - 2} characters of the public text; "
            f"set at least {least}"
        )
    try:
        return learn_pieces(texts, model.pieces)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise UserError(f"model.pieces: {model.pieces} pieces cannot be learnt on the public text: {reason}") from error
