"""The stage of what a teacher says of some speech: found in a folder, or made there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.recogniser import Recogniser, digest
from fedasr.runs.stages.facts import computed_by, features_digest
from fedasr.runs.stages.stage import Stage
from fedasr.training.batches import Examples
from fedasr.training.targets.asked import DECODED_TEXT, AskedOfTeacher
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.stored import StoredFacts, StoredTeacher, binding_of, store_teacher, stored_facts

CENTRE = "centre"
"""Whose folder it is, beside those of the silos."""


def targets_stage(
    teacher: Recogniser, examples: Examples, asked: AskedOfTeacher, decoder: Decoder | None = None
) -> Stage:  # fmt: skip
    """Return the stage of what a teacher says; nobody's transcripts are among its facts."""
    places = range(len(examples))
    return Stage("targets", {
        "speech": features_digest(examples, places), "ids": [examples.id(place) for place in places], "asked": asked,
        "decoder": decoder.digest if decoder is not None and asked.text == DECODED_TEXT else "",
        "weights": digest(teacher.weights()), "recogniser": asdict(teacher.spec), "tokens": teacher.tokens.to_json(),
        "computed_by": computed_by(teacher),
    })  # fmt: skip


def found_or_stored(
    folder: Path, stage: Stage, teacher: Recogniser, examples: Examples, asked: AskedOfTeacher, decoder: Decoder | None
) -> StoredFacts:  # fmt: skip
    """Return how much a teacher said, which a folder holds from then on.

    Parameters
    ----------
    folder : Path
        Of this stage alone.
    stage : Stage
    teacher : Recogniser
    examples : Examples
    asked : AskedOfTeacher
    decoder : Decoder, optional
    """
    facts = stored_facts(folder)
    if facts is not None:
        return facts
    decode = decoder if asked.text == DECODED_TEXT else None
    return store_teacher(teacher, examples, folder, asked, bound_to(stage, teacher, asked), decode)


def bound_to(stage: Stage, teacher: Recogniser, asked: AskedOfTeacher) -> TargetBinding:
    """Return what a stage's targets are bound to."""
    return binding_of(teacher, str(stage.facts["speech"]), asked)


def teacher_in(
    stages: Path, teacher: Recogniser, examples: Examples, asked: AskedOfTeacher, decoder: Decoder | None
) -> StoredTeacher:  # fmt: skip
    """Return what a teacher says of speech at the centre, found in the folder of a run's stages or kept there."""
    stage = targets_stage(teacher, examples, asked, decoder)
    folder = stages / CENTRE / stage.key
    found_or_stored(folder, stage, teacher, examples, asked, decoder)
    return StoredTeacher(folder, bound_to(stage, teacher, asked))
