"""What a silo's teacher hears in public speech: computed once, and kept where the silo keeps its own."""

from __future__ import annotations

import numpy as np
import torch
from flwr.app import RecordDict

from fedasr.asr.decoding.heard import Hearing, heard, unpacked
from fedasr.messages.votes import Integers, Question
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.teachers.stages import hearing_stage
from fedasr.silo.teachers.teacher import question_batch, teacher


def hearing(host: SiloHost, silo: Silo, question: Question, state: RecordDict) -> tuple[Hearing, Integers]:
    """Return what a teacher heard in the chunk that a question is of, and the rows in it that are asked about.

    The host's recogniser is the teacher then. A chunk is encoded together and the same whatever is still asked of it:
    its bits are the chunk's.

    Raises
    ------
    RowError
        Where the silo has no teacher.
    """
    among = question.among if len(question.among) else question.utterances
    recogniser = teacher(host, state)
    rows = places(among, question.utterances)
    assert rows is not None
    stage = hearing_stage(host, recogniser, among)
    found = host.stages.find(silo.number, stage) if host.stages and stage else None
    if found is not None:
        arrays, about = found
        return unpacked(torch.from_numpy(arrays["values"]), torch.from_numpy(arrays["frames"]), **about), rows
    batch = question_batch(host, among)
    made = heard(recogniser, batch.features_BTF, batch.lengths_B)
    if host.stages and stage:
        arrays = {"values": made.packed().numpy(), "frames": made.lengths_B.numpy()}
        host.stages.keep(silo.number, stage, arrays, {"are_scores": made.are_scores})
    return made, rows


def places(held: Integers, wanted: Integers) -> Integers | None:
    """Return where each wanted utterance stands among those held, None where one is missing."""
    place = {int(utterance): row for row, utterance in enumerate(held)}
    if not all(int(utterance) in place for utterance in wanted):
        return None
    return np.array([place[int(utterance)] for utterance in wanted], np.int32)
