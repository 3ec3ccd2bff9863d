"""The speech of an experiment, read or rendered, and what there is to say of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fedasr.corpora.audio import AudioFile
from fedasr.corpora.checking.corpus import LoadedCorpus
from fedasr.corpora.checking.repeats import piece_of
from fedasr.corpora.checking.summary import CorpusSummary
from fedasr.corpora.connected import connect
from fedasr.corpora.load import kind_of, read_corpus
from fedasr.corpora.partition import Partition
from fedasr.corpora.scored_sets import SETS, check_apart, read_set
from fedasr.corpora.spec import NODES, SYNTHETIC, CorpusSpec
from fedasr.corpora.synthetic import synthetic_corpus
from fedasr.corpora.utterance import Utterance
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.located import PUBLIC_WITHIN

PUBLIC_PREFIX = "public/"
"""Leads the speakers and ids of another corpus that is public, so that they cannot meet the silos'."""


@dataclass(frozen=True)
class LoadedSpeech:
    """All speech of an experiment before it is divided.

    Attributes
    ----------
    utterances : sequence of Utterance
        The corpus.
    public : sequence of Utterance
        Another corpus, all of it public, where there is one.
    given : mapping
        ``"test"`` and ``"development"``, where such sets lie apart.
    summaries : mapping
        What is to be said of ``"corpus"`` and, where they lie apart, of ``"public"``, ``"test"`` and ``"development"``.
    """

    utterances: Sequence[Utterance]
    public: Sequence[Utterance]
    summaries: Mapping[str, CorpusSummary]
    given: Mapping[str, Sequence[Utterance]] = field(default_factory=dict)


def load_speech(spec: CorpusSpec, seed: int, watcher: Watcher) -> LoadedSpeech:
    """Read or render the speech of an experiment, clips joined where the specification says so.

    Raises
    ------
    UserError
        Where something of it cannot be used and may not be left out.
    """
    own = _own(spec, seed, watcher)
    corpora = {"corpus": own}
    if spec.public not in PUBLIC_WITHIN:
        path = Path(spec.public)
        corpora["public"] = read_corpus(
            kind_of(path), path, faulty=spec.faulty, text=spec.text, progress=watcher.opened
        )
    corpora |= {key: read_set(spec, key, watcher.opened) for key in SETS if getattr(spec, key)}
    utterances = connect(own.utterances, seed=seed) if spec.connected else own.utterances
    public = corpora["public"].utterances if "public" in corpora else ()
    given = {key: corpora[key].utterances for key in SETS if key in corpora}
    check_apart({"the corpus": own.utterances, "corpus.public": public}, given)
    for name, corpus in corpora.items():
        watcher.stage(f"{name}: {corpus.summary}")
    given = {key: connect(found, seed=0) if spec.connected else found for key, found in given.items()}
    summaries = {name: corpus.summary for name, corpus in corpora.items()}
    return LoadedSpeech(utterances, _prefixed(connect(public, seed=0) if spec.connected else public), summaries, given)


def told_of_overlap(speech: LoadedSpeech) -> str:
    """Return how much of the other corpus is audio of the corpus itself: such speech is public and somebody's own."""
    own = {piece_of(u.audio) for u in speech.utterances if isinstance(u.audio, AudioFile)}
    shared = sum(isinstance(u.audio, AudioFile) and piece_of(u.audio) in own for u in speech.public)
    if not shared:
        return ""
    return f"public: {shared} of {len(speech.public)} utterances are audio of the corpus, too; name other speech there"


def told_of_unseen(speech: LoadedSpeech, partition: Partition) -> str:
    """Return that nobody here can tell whether nodes hold speech of those who are scored on, where that is so."""
    if partition.rule != NODES or not speech.given:
        return ""
    return f"{' and '.join(speech.given)}: nobody here sees whether the nodes hold speech of these speakers, too"


def told_of_public(speech: LoadedSpeech, partition: Partition) -> str:
    """Return how many speakers of the other corpus are used, where they are not all."""
    used = sum(speaker.startswith(PUBLIC_PREFIX) for speaker in _public(partition))
    there = len({utterance.speaker for utterance in speech.public})
    return f"public: {used} of {there} speakers (corpus.public_speakers)" if used < there else ""


def _public(partition: Partition) -> tuple[str, ...]:
    return partition.public_labelled + partition.public_unlabelled


def _own(spec: CorpusSpec, seed: int, watcher: Watcher) -> LoadedCorpus:
    if spec.kind == SYNTHETIC:
        return _rendered(spec, seed)
    if spec.partition == NODES and not spec.path:  # the server has public speech and no other
        return LoadedCorpus((), CorpusSummary.of(()))
    return _read(spec, watcher)


def _read(spec: CorpusSpec, watcher: Watcher) -> LoadedCorpus:
    path = Path(spec.path) if spec.path else None
    return read_corpus(
        spec.kind, path, subset=spec.subset or None, columns=spec.columns.chosen, faulty=spec.faulty,
        text=spec.text, progress=watcher.opened,
    )  # fmt: skip


def _rendered(spec: CorpusSpec, seed: int) -> LoadedCorpus:
    utterances = synthetic_corpus(
        speakers=spec.speakers, utterances_per_speaker=spec.utterances_per_speaker,
        grammar=spec.grammar, accents=spec.accents or None, seed=seed,
    )  # fmt: skip
    return LoadedCorpus(tuple(utterances), CorpusSummary.of(utterances))


def _prefixed(utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
    return tuple(
        replace(u, id=f"{PUBLIC_PREFIX}{u.id}", speaker=sys.intern(f"{PUBLIC_PREFIX}{u.speaker}")) for u in utterances
    )
