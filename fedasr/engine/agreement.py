"""How often a student's surest output of a frame is its teacher's: the blank, or silence, apart.

Most frames of CTC are blank, and two models that agree on those may agree on nothing that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from fedasr.asr.batch import make_batch
from fedasr.asr.layers import valid_frames
from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, best_device
from fedasr.asr.tokens import BLANK
from fedasr.corpora.speech import Speech
from fedasr.engine.assembly import Assembly
from fedasr.experiment.choices import objective_of
from fedasr.server.central import Central
from fedasr.training.targets.asked import TEACHER_ROLE

HEARD_TOGETHER = 16


def agreement(parts: Assembly, central: Central, weights: Weights) -> dict[str, Any]:
    """Return fields of the summary: the shares of a row whose objective asks a teacher; of any other, none.

    They are those of the frames of the development speakers.
    """
    asked = objective_of(parts.row).asked_of_teacher
    speech = central.development
    if asked is None or not len(speech):
        return {}
    spec = central.roles.get(TEACHER_ROLE, parts.prepared.recogniser_spec)
    student = [*_heard(parts.prepared.recogniser_spec, central, weights, speech)]
    teacher = [*_heard(spec, central, central.start_of(TEACHER_ROLE), speech)]
    if not student or not teacher:
        return {}
    said, taught = torch.cat(student), torch.cat(teacher)
    if len(said) != len(taught):  # they do not see the same frames
        return {}
    same, spoken = said == taught, taught != BLANK
    return {
        "teacher_agreement": float(same.double().mean()),
        "teacher_agreement_spoken": float(same[spoken].double().mean()) if bool(spoken.any()) else None,
    }


@torch.inference_mode()
def _heard(
    spec: RecogniserSpec, central: Central, weights: Mapping[str, Any], speech: Speech
) -> Iterator[Tensor]:  # fmt: skip
    """Yield the surest output of each frame of some utterances after the others; nothing of a head without frames."""
    recogniser = Recogniser(spec, central.tokens).to(best_device())
    recogniser.load(weights)
    for first in range(0, len(speech), HEARD_TOGETHER):
        places = range(first, min(first + HEARD_TOGETHER, len(speech)))
        features = [speech.features(place) for place in places]
        batch = make_batch(features, stacked=spec.frames_stacked).to(recogniser.device)
        scores_BTV = recogniser.head.frame_scores(recogniser.encode(batch.features_BTF, batch.lengths_B))
        if scores_BTV is None:
            return
        best_BT = scores_BTV.argmax(2)
        yield best_BT[valid_frames(batch.lengths_B, best_BT.shape[1])].cpu()
