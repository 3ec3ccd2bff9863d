"""The check of a whole corpus: everything that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fedasr.common.errors import UserError
from fedasr.corpora.checking.form import in_one_form
from fedasr.corpora.checking.headers import Progress, open_headers
from fedasr.corpora.checking.lengths import with_lengths
from fedasr.corpora.checking.places import legible
from fedasr.corpora.checking.repeats import each_once
from fedasr.corpora.checking.summary import CorpusSummary
from fedasr.corpora.faults import Entry, Fault, refusal
from fedasr.corpora.utterance import Utterance

REFUSE, LEAVE_OUT = "refuse", "leave out"


@dataclass(frozen=True)
class LoadedCorpus:
    """A corpus that was checked.

    Attributes
    ----------
    utterances : tuple of Utterance
    summary : CorpusSummary
    """

    utterances: tuple[Utterance, ...]
    summary: CorpusSummary


def check_corpus(
    entries: Iterable[Entry], name: str = "corpus", *, faulty: str = REFUSE, progress: Progress | None = None,
    mend: str = "mend or remove them",
) -> LoadedCorpus:  # fmt: skip
    """Return what can be used of a corpus, each utterance once and in its one form, with its length.

    Parameters
    ----------
    entries : iterable of Utterance or Fault
        What a reader read.
    name : str
        What messages call the corpus.
    faulty : str
        ``"refuse"``: one fault refuses the corpus; ``"leave out"``: the others are used.
    progress : callable, optional
        Told how many audio files were opened, and of how many.
    mend : str
        What can be done where there are several faults.

    Raises
    ------
    UserError
        With a line for each of at most twenty faults, and their number; where there is nothing to use.
    """
    once = list(each_once(in_one_form(entries)))
    measured = list(with_lengths(once, open_headers(once, progress)))
    utterances = tuple(entry for entry in measured if isinstance(entry, Utterance))
    faults = tuple(legible(entry) for entry in measured if isinstance(entry, Fault))
    if faults and (faulty == REFUSE or not utterances):
        raise refusal(faults, name, len(measured), mend if utterances else "nothing is left")
    if not utterances:
        raise UserError(f"{name}: an empty corpus; it needs at least one utterance")
    return LoadedCorpus(utterances, replace(CorpusSummary.of(utterances), left_out=faults))


def check_distinct(utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
    """Return utterances that come from no reader, such as synthetic ones, if they are fit for one corpus.

    Raises
    ------
    UserError
        Where there are none, an id is there twice or a text is empty.
    """
    if not utterances:
        raise UserError("corpus: an empty corpus; it needs at least one utterance")
    seen: set[str] = set()
    for utterance in utterances:
        if utterance.id in seen:
            raise UserError(f"corpus: duplicate id '{utterance.id}'; every utterance needs an id of its own")
        if not utterance.text.strip():
            raise UserError(f"corpus: empty text of '{utterance.id}'; write it or remove the utterance")
        seen.add(utterance.id)
    return tuple(utterances)
