"""The text that a decoder learns from, and whose it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flwr.serverapp.strategy import Strategy

from fedasr.asr.decoding.decoding_spec import LEXICON, SILOS
from fedasr.asr.heads.head import HEADS, Head
from fedasr.common.errors import UserError
from fedasr.common.files import text_lines
from fedasr.corpora.partition import Partition
from fedasr.corpora.text import NORMALISED, canonical, plain_text
from fedasr.corpora.utterance import Utterance
from fedasr.engine.named import MOST_SILOS
from fedasr.engine.preparation import DividedCorpus, Prepared
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.server.protected.row_protection import row_protection
from fedasr.server.strategies_by_name import build_strategy


@dataclass(frozen=True)
class DecodingText:
    """The sentences that words and n-grams are learnt from.

    Attributes
    ----------
    public : tuple of str
        The transcripts of labelled public speech.
    more : tuple of str
        What ``decoding.text`` adds.
    silos, held_out : int
        How many of those that are added are transcripts that silos train on, and transcripts of what is scored
        (development and test speakers, and what silos hold out), and of no public speech.
    """

    public: tuple[str, ...]
    more: tuple[str, ...] = ()
    silos: int = 0
    held_out: int = 0

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of them."""
        return self.public + self.more

    @property
    def whose(self) -> str:
        """Whose the added sentences are, where they are somebody's; empty else."""
        told = {"silos": self.silos, "speech that is held out": self.held_out}
        return " and ".join(f"{count} are transcripts of {name}" for name, count in told.items() if count)


def decoding_text(experiment: Experiment, utterances: Iterable[Utterance], partition: Partition) -> DecodingText:
    """Return the text of an experiment's ``[decoding]``.

    Raises
    ------
    UserError
        Where the file is not there or is no text, or there is no text at all.
    """
    found = _transcripts(utterances, partition)
    return _text(experiment, {name: partial(iter, texts) for name, texts in found.items()})


Parts = Mapping[str, Callable[[], Iterable[str]]]
"""The transcripts of public, silos' and held-out speech, read anew each time."""


def _text(experiment: Experiment, parts: Parts) -> DecodingText:
    public, spec = tuple(parts["public"]()), experiment.decoding
    if not spec.text:
        more = []
    elif spec.text == SILOS:
        more = list(parts["silos"]())
    else:
        more = _read(Path(spec.text), experiment.corpus.text)
    text = DecodingText(public, tuple(more), *_whose(more, parts))
    if not any(sentence.split() for sentence in text.sentences):
        raise UserError(
            "decoding.method is 'lexicon', which is learnt on public transcripts, and there are none; "
            "set corpus.public_speakers, or decoding.text"
        )
    return text


def text_of(prepared: Prepared) -> DecodingText:
    """Return the text of prepared speech; see `decoding_text`."""
    scored = [prepared.part("development"), prepared.part("test"), prepared.held_out]
    return _text(prepared.experiment, {
        "public": prepared.part("public_labelled").texts, "silos": prepared.in_silos.texts,
        "held out": lambda: itertools.chain.from_iterable(part.texts() for part in scored),
    })  # fmt: skip


def misdecoded(corpus: DividedCorpus) -> list[str]:
    """Return what is wrong with ``[decoding]``, a line each."""
    experiment, spec = corpus.experiment, corpus.experiment.decoding
    if spec.is_greedy:
        return [
            f"compare.{row.name}.options: it asks for the experiment's decoder, and there is none; set decoding.method"
            for row in experiment.compare
            if getattr(_strategy(experiment, row), "needs_decoder", False)
        ]
    head = HEADS.find(experiment.model.head)
    if head.is_aligned:
        if spec.method != LEXICON:
            return [f"model.head is '{experiment.model.head}'; set decoding.method = 'lexicon', or 'greedy'"]
    elif head.prefix is Head.prefix and head.beam is Head.beam:
        return [f"model.head is '{experiment.model.head}', which scores no beginnings; set decoding.method = 'greedy'"]
    if spec.method != LEXICON:
        return []
    try:
        text = decoding_text(experiment, corpus.utterances, corpus.partition)
    except UserError as error:
        return list(error.lines)
    promising = [row.name for row in experiment.compare if carries_epsilon(experiment, row)]
    if not text.whose or not promising:
        return []
    return [
        f"decoding.text: of its {len(text.more)} sentences {text.whose}, which the ε of '{promising[0]}' does not "
        "cover; leave them out of the text, or that row out of the comparison"
    ]


def carries_epsilon(experiment: Experiment, row: RowSpec) -> bool:
    """Say whether a row is one that promises an ε, by what it is made of."""
    strategy = _strategy(experiment, row)
    return row_protection(row, strategy).protects or bool(getattr(strategy, "carries_epsilon", False))


def _strategy(experiment: Experiment, row: RowSpec) -> Strategy:
    return build_strategy(row, experiment.training_of(row), MOST_SILOS)


def _transcripts(utterances: Iterable[Utterance], partition: Partition) -> dict[str, list[str]]:
    """Return the transcripts of public, silos' and held-out speech."""
    public = set(partition.public_labelled)
    scored = {*partition.development, *partition.test}
    trained = {name for silo in partition.silos for name in silo}
    kept = {name for silo in partition.held_out for name in silo}
    found: dict[str, list[str]] = {"public": [], "silos": [], "held out": []}
    for utterance in utterances:
        if utterance.id in trained:
            found["silos"].append(utterance.text)
        elif utterance.id in kept or utterance.speaker in scored:
            found["held out"].append(utterance.text)
        elif utterance.speaker in public:
            found["public"].append(utterance.text)
    return found


def _whose(sentences: Sequence[str], parts: Parts) -> tuple[int, int]:
    """Count the sentences that silos and held-out speakers said and no public speaker did, however written."""
    if not sentences:
        return 0, 0
    said = list(map(plain_text, sentences))
    asked = set(said)  # what is held grows with the sentences, not with the speech
    public, silos, held_out = (_plain(parts[name](), asked) for name in ("public", "silos", "held out"))
    others = [plain for plain in said if plain not in public]
    return sum(plain in silos for plain in others), sum(plain in held_out - silos for plain in others)


def _plain(texts: Iterable[str], asked: set[str]) -> set[str]:
    return {plain for text in texts if (plain := plain_text(text)) in asked}


def _read(path: Path, rule: str) -> list[str]:
    write = plain_text if rule == NORMALISED else canonical
    lines = text_lines(path, "decoding.text", "name a file of sentences")
    sentences = [sentence for line in lines if (sentence := write(line))]
    if not sentences:
        raise UserError(f"decoding.text: {path}: holds no sentence; write one a line, or remove the key")
    return sentences
