"""Partition: speakers, never utterances, are divided into silos, public, development and test."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from fedasr.common.errors import UserError
from fedasr.corpora.spec import NODES, CorpusSpec
from fedasr.corpora.utterance import Utterance

PUBLIC_ACCENT = "other accent"


@dataclass(frozen=True)
class Partition:
    """Who holds what.

    Attributes
    ----------
    rule : str
        How silos were made.
    silos : sequence of sequence of str
        The utterance ids that each silo trains on; of prepared speech they are read from it (`features.placed`).
    public_labelled, public_unlabelled, development, test : tuple of str
        Speakers.
    held_out : sequence of sequence of str
        The ids of each silo's own utterances that it never trains on; empty where nobody holds any out.
    """

    rule: str
    silos: Sequence[Sequence[str]]
    public_labelled: tuple[str, ...]
    public_unlabelled: tuple[str, ...]
    development: tuple[str, ...]
    test: tuple[str, ...]
    held_out: Sequence[Sequence[str]] = ()

    def held_out_by(self, silo: int) -> Sequence[str]:
        """Return the ids that a silo holds out."""
        return self.held_out[silo] if self.held_out else ()

    def in_silos(self) -> set[str]:
        """Return the ids of all silos' utterances, held out or not."""
        return {name for part in (*self.silos, *self.held_out) for name in part}


SPEAKER_PARTS = ("public_labelled", "public_unlabelled", "development", "test")


def divide(
    utterances: Sequence[Utterance], spec: CorpusSpec, generator: np.random.Generator,
    public_utterances: Sequence[Utterance] = (), given: Mapping[str, Sequence[Utterance]] | None = None,
) -> Partition:  # fmt: skip
    """Divide the speakers of a corpus.

    Parameters
    ----------
    utterances : sequence of Utterance
        The corpus.
    spec : CorpusSpec
    generator : numpy.random.Generator
        Draws speakers.
    public_utterances : sequence of Utterance
        Another corpus, all of it public, where ``spec.public`` names one.
    given : mapping, optional
        Speech for ``"test"`` or ``"development"`` that lies apart (`fedasr.corpora.scored_sets`).

    Raises
    ------
    UserError
        Where there are too few speakers, or one is in two parts.
    """
    speakers = sorted({u.speaker for u in utterances})
    order = [speakers[index] for index in generator.permutation(len(speakers))]
    fold = _fold(order, utterances, spec, public_utterances) if spec.test_fold else []
    public, rest = _public_speakers([s for s in order if s not in set(fold)], utterances, spec, public_utterances)
    rest = [*fold, *rest]  # who is tested comes first
    testing, developing = spec.test_speakers_within, spec.development_speakers_within
    wanted = testing + developing + spec.unlabelled_speakers
    if wanted + (spec.partition != NODES) > len(rest):
        wanted_public = len(public) if public_utterances else spec.public_speakers_within
        raise UserError(
            f"corpus: {len(speakers)} speakers are too few for {wanted_public} public, "
            f"{developing} development, {testing} test and {spec.unlabelled_speakers} "
            "unlabelled speakers and a silo"
        )
    test, rest = rest[:testing], rest[testing:]
    development, rest = rest[:developing], rest[developing:]
    unlabelled, rest = rest[: spec.unlabelled_speakers], rest[spec.unlabelled_speakers :]
    apart = {part: tuple(sorted({u.speaker for u in found})) for part, found in (given or {}).items()}
    labelled = max(1, round(spec.public_labelled * len(public))) if public else 0
    members = set(rest)
    held = [u for u in utterances if u.speaker in members]
    partition = Partition(
        spec.partition, RULES[spec.partition](held, rest, spec, generator),
        tuple(public[:labelled]), tuple(public[labelled:] + unlabelled), apart.get("development", tuple(development)),
        apart.get("test", tuple(test)),
    )  # fmt: skip
    _check_disjoint(partition, [*utterances, *public_utterances])
    return partition


def _public_speakers(
    order: list[str], utterances: Sequence[Utterance], spec: CorpusSpec, elsewhere: Sequence[Utterance]
) -> tuple[list[str], list[str]]:
    """Return the public speakers, and all others that may be used."""
    if elsewhere:
        public = sorted({u.speaker for u in elsewhere})
        return public[: spec.public_speakers or None], order
    wanted = spec.public_speakers_within
    if spec.public != PUBLIC_ACCENT:
        return order[:wanted], order[wanted:]
    accent = {u.speaker: u.fields.get("accent", "") for u in utterances}
    sizes = Counter(accent.values())
    fitting = sorted((n, name) for name, n in sizes.items() if name and n >= wanted)
    if not fitting or len(sizes) < 2:
        raise UserError(f"corpus.public: no accent apart has {wanted} speakers (the corpus needs a field 'accent')")
    name = fitting[0][1]
    public = [s for s in order if accent[s] == name][:wanted]
    return public, [s for s in order if accent[s] != name]


def _fold(
    order: list[str], utterances: Sequence[Utterance], spec: CorpusSpec, elsewhere: Sequence[Utterance]
) -> list[str]:
    """Return the block of test speakers that the fold names, of an order that no seed changes."""
    may, size = _may_be_tested(order, utterances, spec, elsewhere), spec.test_speakers_within
    unchanging = np.random.default_rng(crc32(b"test folds")).permutation(len(may))
    first = (spec.test_fold - 1) % _blocks(may, spec) * size
    return [may[index] for index in unchanging[first : first + size]]


def _may_be_tested(
    order: list[str], utterances: Sequence[Utterance], spec: CorpusSpec, elsewhere: Sequence[Utterance]
) -> list[str]:
    is_accent = spec.public == PUBLIC_ACCENT and not elsewhere
    return sorted(_public_speakers(order, utterances, spec, elsewhere)[1] if is_accent else order)


def _blocks(may: Sequence[str], spec: CorpusSpec) -> int:
    return max(1, len(may) // spec.test_speakers_within)


def told_of_fold(
    utterances: Sequence[Utterance], spec: CorpusSpec, public_utterances: Sequence[Utterance] = ()
) -> str:  # fmt: skip
    """Return which earlier fold has the same test speakers, where there are fewer blocks of them; else nothing."""
    if not spec.test_fold or not spec.test_speakers_within:
        return ""
    speakers = sorted({u.speaker for u in utterances})
    count = _blocks(_may_be_tested(speakers, utterances, spec, public_utterances), spec)
    first = (spec.test_fold - 1) % count + 1
    if first == spec.test_fold:
        return ""
    return (
        f"draw {spec.test_fold} tests the same speakers as draw {first}: the corpus has {count} blocks of "
        f"{spec.test_speakers_within} test speakers"
    )


Rule = Callable[[list[Utterance], list[str], CorpusSpec, np.random.Generator], tuple[tuple[str, ...], ...]]


def _by_speaker(utterances: Sequence[Utterance]) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = defaultdict(list)
    for utterance in utterances:
        ids[utterance.speaker].append(utterance.id)
    return ids


def natural(
    held: list[Utterance], speakers: list[str], spec: CorpusSpec, generator: np.random.Generator
) -> tuple[tuple[str, ...], ...]:
    """One speaker, one silo; speakers beyond ``spec.silos`` are left out."""
    count = spec.silos or len(speakers)
    _enough(len(speakers), count, "speakers")
    ids = _by_speaker(held)
    return tuple(tuple(ids[speaker]) for speaker in speakers[:count])


def grouped(
    held: list[Utterance], speakers: list[str], spec: CorpusSpec, generator: np.random.Generator
) -> tuple[tuple[str, ...], ...]:
    """Whole speakers, each dealt to the silo that has least speech so far."""
    _enough(len(speakers), spec.silos, "speakers")
    seconds: dict[str, float] = defaultdict(float)
    for utterance in held:
        seconds[utterance.speaker] += utterance.duration_seconds
    ids = _by_speaker(held)
    silos: list[list[str]] = [[] for _ in range(spec.silos)]
    loads = [(False, 0.0, silo) for silo in range(spec.silos)]  # a heap: who has nothing comes first
    for speaker in sorted(speakers, key=lambda s: -seconds[s]):
        _, load, silo = loads[0]
        silos[silo] += ids[speaker]
        heapq.heapreplace(loads, (True, load + seconds[speaker], silo))
    return tuple(map(tuple, silos))


def dirichlet(
    held: list[Utterance], speakers: list[str], spec: CorpusSpec, generator: np.random.Generator
) -> tuple[tuple[str, ...], ...]:
    """Whole speakers dealt by shares drawn from a Dirichlet distribution.

    Over ``"size"`` one vector of shares makes silos of unlike size; over a field of the corpus each
    of its values has shares of its own, so that silos differ in accent, say. Every silo has a speaker.
    """
    _enough(len(speakers), spec.silos, "speakers")
    field = {u.speaker: u.fields.get(spec.dirichlet_over) for u in held}
    if spec.dirichlet_over != "size" and None in field.values():
        raise UserError(f"corpus.dirichlet_over: the corpus has no field '{spec.dirichlet_over}' for every speaker")
    kinds = sorted({str(field[s]) for s in speakers}) if spec.dirichlet_over != "size" else ["all"]
    shares = {k: generator.dirichlet([spec.dirichlet_alpha] * spec.silos) for k in kinds}
    members: list[list[str]] = [[] for _ in range(spec.silos)]
    for position, speaker in enumerate(speakers):
        kind = str(field[speaker]) if spec.dirichlet_over != "size" else "all"
        silo = position if position < spec.silos else int(generator.choice(spec.silos, p=shares[kind]))
        members[silo].append(speaker)
    ids = _by_speaker(held)
    return tuple(tuple(i for speaker in silo for i in ids[speaker]) for silo in members)


def iid(
    held: list[Utterance], speakers: list[str], spec: CorpusSpec, generator: np.random.Generator
) -> tuple[tuple[str, ...], ...]:
    """Utterances dealt at random: the exception, in which one speaker is in several silos."""
    _enough(len(held), spec.silos, "utterances")
    order = generator.permutation(len(held))
    return tuple(tuple(held[int(i)].id for i in part) for part in np.array_split(order, spec.silos))


def nodes(
    held: list[Utterance], speakers: list[str], spec: CorpusSpec, generator: np.random.Generator
) -> tuple[tuple[str, ...], ...]:
    """Silos whose speech lies elsewhere: speakers who are here and in no other part are left out."""
    return ((),) * spec.silos


RULES: dict[str, Rule] = {"natural": natural, "grouped": grouped, "dirichlet": dirichlet, "iid": iid, NODES: nodes}


def _enough(have: int, wanted: int, what: str) -> None:
    if have < wanted:
        raise UserError(f"corpus.silos: {wanted} silos were asked for, but only {have} {what} are left for them")


def _check_disjoint(partition: Partition, utterances: Sequence[Utterance]) -> None:
    speaker = {u.id: u.speaker for u in utterances}
    parts = {"silos": {speaker[i] for silo in partition.silos for i in silo}}
    parts.update({name.replace("_", " "): set(getattr(partition, name)) for name in SPEAKER_PARTS})
    seen: dict[str, str] = {}
    for part, members in parts.items():
        for member in sorted(members):
            if member in seen:
                raise UserError(f"corpus: the speaker '{member}' is in both {seen[member]} and {part}; rename one")
            seen[member] = part
