"""The alignments of an experiment: which phone each frame of its speech is, kept beside the features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fedasr.asr.features import FRAMES_A_SECOND
from fedasr.common.errors import UserError
from fedasr.corpora.alignment import labelled
from fedasr.corpora.features.alignments import has_alignments, write_alignments
from fedasr.corpora.speech import Speech
from fedasr.corpora.synthetic.render import recipe_of
from fedasr.corpora.utterance import Utterance
from fedasr.experiment.model import ModelSpec

SYNTHESISER = "espeak"
"""The name of the alignments that the synthesiser reports."""


def alignment_name(model: ModelSpec) -> str:
    """Return what the alignments of an experiment are called."""
    return SYNTHESISER


def unalignable_speech(model: ModelSpec, utterances: Sequence[Utterance]) -> str | None:
    """Return why speech cannot be aligned, in a line; None where it can."""
    strange = next((u for u in utterances if recipe_of(u.audio) is None), None)
    if strange is None:
        return None
    return (
        f"model.head is '{model.head}', which learns the phone of each frame: espeak-ng tells it of synthetic speech, "
        f"and '{strange.id}' is other speech"
    )


def align(speech: Speech, folder: Path, name: str) -> None:
    """Write the alignments of prepared speech beside its features, unless they are there.

    Parameters
    ----------
    speech : Speech
        All of the folder's.
    folder : Path
        Of its features.
    name : str
        What the alignments are called.
    """
    if not has_alignments(folder, name):
        write_alignments(folder, name, _reported(speech))


def _reported(speech: Speech) -> Iterator[list[str]]:
    """Yield the phone of each frame, as the synthesiser reports it."""
    for index, utterance in enumerate(speech.utterances):
        recipe = recipe_of(utterance.audio)
        if recipe is None:
            raise UserError(f"{utterance.id}: no synthetic speech, of which nobody reports the phones")
        starts = [(phone.name, phone.start_seconds) for phone in recipe.phones()]
        yield labelled(starts, speech.frames(index), FRAMES_A_SECOND)
