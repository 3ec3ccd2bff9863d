"""Paths of an experiment, made absolute: a stored experiment means the same speech in whichever folder it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fedasr.asr.decoding.decoding_spec import SILOS
from fedasr.corpora.scored_sets import is_subset
from fedasr.corpora.spec import CorpusSpec
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.located import NETWORK_FILE, PUBLIC_WITHIN
from fedasr.experiment.model import MADE_STARTS
from fedasr.experiment.row_spec import RowSpec


def absolute(experiment: Experiment) -> Experiment:
    """Return the experiment with absolute paths of corpora and of its start; what is typed is relative to here."""
    corpus, model = experiment.corpus, experiment.model
    path = _stated(corpus.path)
    public = corpus.public if corpus.public in PUBLIC_WITHIN else _absolute(corpus.public)
    test, development = (_set(corpus, name) for name in (corpus.test, corpus.development))
    start = model.start if model.start in MADE_STARTS else _absolute(model.start)
    decoding, text = experiment.decoding, experiment.decoding.text
    decoding = decoding if text in ("", SILOS) else replace(decoding, text=_absolute(text))
    decoding = replace(decoding, pronunciations=_stated(decoding.pronunciations))
    corpus = replace(corpus, path=path, public=public, test=test, development=development)
    model = replace(model, start=start, alignments=_stated(model.alignments))
    rows = tuple(_row(row) for row in experiment.compare)
    return experiment.only(corpus=corpus, model=model, decoding=decoding, compare=rows)


def _row(row: RowSpec) -> RowSpec:
    """Return a row whose network, where it is a file, has an absolute path."""
    return replace(row, network=_absolute(row.network)) if row.network.endswith(NETWORK_FILE) else row


def _set(corpus: CorpusSpec, name: str) -> str:
    """Return the place of a set that lies apart; the name of a subset, and none, as they are."""
    return _absolute(name) if name and not is_subset(corpus, name) else name


def _stated(path: str) -> str:
    return _absolute(path) if path else ""


def _absolute(path: str) -> str:
    return str(Path(path).absolute())
