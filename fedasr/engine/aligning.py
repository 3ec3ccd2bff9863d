"""The alignments of an experiment: which phone each frame of its speech is, kept beside the features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.greedy import decoding_batches, in_order
from fedasr.asr.features import FRAMES_A_SECOND
from fedasr.asr.forced_alignment import forced_labels
from fedasr.asr.recogniser import Recogniser, best_device
from fedasr.asr.tokens import PhoneTokens
from fedasr.common.errors import UserError
from fedasr.corpora.alignment import SILENT, labelled
from fedasr.corpora.features.alignments import has_alignments, write_alignments
from fedasr.corpora.speech import Speech
from fedasr.corpora.synthetic.render import recipe_of
from fedasr.corpora.utterance import Utterance
from fedasr.engine.pronouncing import more_pronunciations
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.model import ModelSpec
from fedasr.runs.model_file import load_model

STRANGE = "?"
"""The name of what no phone of the aligning model is."""


def unalignable_speech(model: ModelSpec, utterances: Sequence[Utterance]) -> str | None:
    """Return why speech cannot be aligned, in a line; None where it can."""
    strange = next((u for u in utterances if recipe_of(u.audio) is None), None)
    if strange is None or model.alignments:
        return None
    return (
        f"model.head is '{model.head}', which learns the phone of each frame: espeak-ng tells it of synthetic speech, "
        f"and '{strange.id}' is other speech; set model.alignments to a model with tokens = 'phones' and head = 'ctc'"
    )


def align(experiment: Experiment, speech: Speech, folder: Path, name: str) -> None:
    """Write the alignments of prepared speech beside its features, unless they are there.

    Parameters
    ----------
    experiment : Experiment
    speech : Speech
        All of the folder's.
    folder : Path
        Of its features.
    name : str
        What the alignments are called.

    Raises
    ------
    UserError
        Where ``model.alignments`` is no model that aligns phones.
    """
    if not has_alignments(folder, name):
        labels = _forced(experiment, speech) if experiment.model.alignments else _reported(speech)
        write_alignments(folder, name, labels)


def _reported(speech: Speech) -> Iterator[list[str]]:
    """Yield the phone of each frame, as the synthesiser reports it."""
    for index, utterance in enumerate(speech.utterances):
        recipe = recipe_of(utterance.audio)
        if recipe is None:
            raise UserError(f"{utterance.id}: no synthetic speech, of which nobody reports the phones")
        starts = [(phone.name, phone.start_seconds) for phone in recipe.phones()]
        yield labelled(starts, speech.frames(index), FRAMES_A_SECOND)


def _forced(experiment: Experiment, speech: Speech) -> Iterator[list[str]]:
    """Yield the phone of each frame, as a model hears the transcript; a word that nobody can say is strange."""
    recogniser, batches = _aligner(experiment), decoding_batches([speech.frames(i) for i in range(len(speech))])
    tokens = _of_all_words(experiment, speech, recogniser)
    names = [SILENT, *tokens.phones, STRANGE]
    found = [_forced_batch(recogniser, speech, batch, tokens) for batch in batches]
    for index, labels in enumerate(in_order(batches, found)):
        stacks = np.repeat(np.array(labels), recogniser.spec.frames_stacked)[: speech.frames(index)]
        yield [names[number] for number in stacks.tolist()]


def _forced_batch(
    recogniser: Recogniser, speech: Speech, places: Sequence[int], tokens: PhoneTokens
) -> list[list[int]]:  # fmt: skip
    batch = make_batch([speech.features(place) for place in places], stacked=recogniser.spec.frames_stacked)
    return forced_labels(recogniser, batch, [tokens.encode(speech.text(place)) for place in places])


def _aligner(experiment: Experiment) -> Recogniser:
    path, wanted = Path(experiment.model.alignments), experiment.model.recogniser().features
    recogniser = load_model(path).to(best_device())
    if not isinstance(recogniser.tokens, PhoneTokens) or recogniser.head.is_aligned:
        mend = "train one with tokens = 'phones' and head = 'ctc'"
        raise UserError(f"model.alignments: {path} writes no phones of transcripts; {mend}")
    if recogniser.spec.features != wanted:
        raise UserError(f"model.alignments: {path} reads other features; set model.mels and sample_rate_hz to its own")
    return recogniser


def _of_all_words(experiment: Experiment, speech: Speech, recogniser: Recogniser) -> PhoneTokens:
    """Return the aligning model's tokens with the pronunciations of all words that are said."""
    tokens = recogniser.tokens
    assert isinstance(tokens, PhoneTokens)
    words = {word for utterance in speech.utterances for word in utterance.text.split()}
    more = ((word, " ".join(phones)) for word, phones in more_pronunciations(experiment, words, tokens))
    return PhoneTokens(tokens.phones, (*tokens.dictionary, *more))
