"""A node with speech of its own: what the server tells it, and what it makes of that and of its speech."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

from fedasr.asr.decoding.decoding_spec import DecodingSpec
from fedasr.asr.features import LogMel
from fedasr.asr.tokens.stored import tokens_from_json
from fedasr.common.errors import RowError
from fedasr.common.randomness import Streams
from fedasr.corpora.connected import connect
from fedasr.corpora.features.opened import opened_speech
from fedasr.corpora.features.placed import placed
from fedasr.corpora.features.store import cache_folder, prepare, store_of
from fedasr.corpora.holding_out import hold_out, parted
from fedasr.corpora.load import kind_of, read_corpus
from fedasr.corpora.partition import Partition
from fedasr.corpora.sped import sped_copies
from fedasr.corpora.speech import Speech, held_speech
from fedasr.corpora.utterance import Utterance
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.messages.elsewhere.introduction import Introduction
from fedasr.messages.packed_speech import packed, unpacked
from fedasr.messages.speech_reply import Elsewhere
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo


def introduction_of(prepared: Prepared) -> Introduction:
    """Return what the nodes of an experiment of one row must know: nothing in it lies where the server's files do."""
    experiment, public = prepared.experiment, prepared.part("public_unlabelled")
    (_, seed), *_ = experiment.rows()
    corpus = replace(experiment.corpus, path="", public="same", test="", development="")
    told = experiment.only(corpus=corpus, decoding=DecodingSpec())
    about = {
        "experiment": told.to_toml(), "seed": seed, "tokens": prepared.tokens.to_json(),
        "silos": len(prepared.partition.silos), "is_tested": bool(prepared.partition.test),
        "ids": [public.id(place) for place in range(len(public))],
        "speakers": [public.speaker(place) for place in range(len(public))],
    }  # fmt: skip
    return Introduction(about, packed(public, experiment.augment.speeds) if len(public) else {})


def prepare_own(introduction: Introduction, data: Path, silo: int) -> Speech:
    """Return a node's own speech with the features that the row asks for, computed now or found in the cache.

    Raises
    ------
    UserError
        Where the folder or manifest is not there, or holds what cannot be used.
    """
    experiment = _experiment(introduction)
    corpus, features = experiment.corpus, experiment.model.recogniser().features
    read = read_corpus(kind_of(data), data, faulty=corpus.faulty, text=corpus.text)
    utterances = connect(read.utterances, seed=experiment.seed) if corpus.connected else read.utterances
    kept = set(parted([u.id for u in utterances], corpus.held_out, Streams(experiment.seed), silo)[0])
    copies = sped_copies([u for u in utterances if u.id in kept], experiment.augment.speeds)
    return prepare(
        utterances, LogMel(features), features.digest, cache_folder(), features.sample_rate_hz, copies=copies
    )  # fmt: skip


def folder_of(speech: Speech) -> Path:
    """Return where prepared speech lies."""
    return store_of(speech).folder


def node_host(introduction: Introduction, folder: Path, silo: int, smallest: int) -> tuple[Prepared, RowSpec, NodeHost]:
    """Return what a node's silo needs to know.

    Parameters
    ----------
    introduction : Introduction
    folder : Path
        Its prepared speech.
    silo : int
    smallest : int
        The utterances that the smallest silo trains on: protections are sized for it.
    """
    experiment, about, speech = _experiment(introduction), introduction.about, opened_speech(folder)
    own = tuple(speech.id(place) for place in range(len(speech)))
    silos = tuple(own if number == silo else () for number in range(about["silos"]))
    whole = Partition(experiment.corpus.partition, silos, (), (), (), ())
    partition = hold_out(whole, experiment.corpus.held_out, Streams(experiment.seed))
    prepared = Prepared(
        experiment, speech, folder, placed(partition, store_of(speech)),
        tokens_from_json(about["tokens"]), experiment.model.recogniser(), holdings=(smallest,) * len(silos),
    )  # fmt: skip
    row = experiment.compare[0]
    host = silo_host(prepared, row, about["seed"])
    shared = {field.name: getattr(host, field.name) for field in fields(host)}
    return prepared, row, NodeHost(**shared, introduction=introduction)


@dataclass(frozen=True)
class NodeHost(SiloHost):
    """What one silo needs to know whose speech lies here alone; public speech is what the server sent of it."""

    introduction: Introduction = field(default_factory=lambda: Introduction({}, {}))

    @cached_property
    def public_speech(self) -> Speech:
        """The public unlabelled speech, as the server sent it."""
        about, arrays = self.introduction.about, self.introduction.arrays
        if not arrays:
            return _nothing().untranscribed()
        ids, seconds = about["ids"], arrays["seconds"].tolist()
        utterances = tuple(
            Utterance(name, speaker, "", length, Elsewhere())
            for name, speaker, length in zip(ids, about["speakers"], seconds, strict=True)
        )
        return unpacked(utterances, arrays).untranscribed()

    def own_scored(self, silo: Silo) -> Speech:
        """What the silo holds out; nothing under a guarantee, for nothing pays for what would leave the node then."""
        return _nothing() if self.is_guarded else silo.held_out

    @property
    def test_speech(self) -> Speech:
        """The test speakers, whom a node does not have; nobody's, where the server has none either."""
        if self.introduction.about["is_tested"]:
            raise RowError("a model that stays with its node cannot be scored: test speech lies with the server")
        return _nothing()


def _nothing() -> Speech:
    return held_speech([], [])


def _experiment(introduction: Introduction) -> Experiment:
    return Experiment.from_table(tomllib.loads(introduction.about["experiment"]), "introduction")
