"""How far private gradients lie in the directions of public ones: the simulator's view, for which nobody pays."""

from __future__ import annotations

from typing import Any

import numpy as np

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.asr.recogniser import Recogniser, best_device
from fedasr.common.threads import one_thread
from fedasr.corpora.spec import NODES
from fedasr.engine.assembly import Assembly
from fedasr.experiment.choices import objective_of, protection_of
from fedasr.protection.adamix.subspace import Subspace
from fedasr.server.central import Central
from fedasr.training.batches import Examples


def overlap(parts: Assembly, central: Central) -> dict[str, Any]:
    """Return a field of the summary: the mean squared cosine of the principal angles of two subspaces at the start.

    They are those of the longest directions of public and of silos' gradients, of as many utterances each and of as
    many dimensions as the row's protection projects on; nothing of a row that projects on none. 1: every private
    direction is a public one; of subspaces by chance it is the share of the dimensions in the number of weights.
    """
    wanted, prepared, objective = protection_of(parts.row).directions, parts.prepared, objective_of(parts.row)
    is_written = objective.asked_of_teacher is None or objective.hears_public
    if wanted is None or not is_written or prepared.partition.rule == NODES:  # speech or transcripts are not at hand
        return {}
    public, private = (_span(central, speech, wanted) for speech in (central.public_labelled, prepared.in_silos))
    return {"subspace_overlap": public.overlap(private)}


def _span(central: Central, speech: Examples, wanted: tuple[int, int]) -> Subspace:
    """Return the longest directions of the gradients of some utterances, drawn for nothing else, at the start."""
    from fedasr.protection.per_example.clipping import each_gradient  # imports Opacus

    dimensions, utterances = wanted
    generator, objective = central.streams.numpy("overlap"), objective_of(central.row)
    recogniser = Recogniser(central.recogniser_spec, central.tokens).to(best_device())
    recogniser.load(central.start)
    drawn = generator.choice(len(speech), min(utterances, len(speech)), replace=False)
    places, stacked = sorted(drawn.tolist(), key=speech.frames), recogniser.spec.frames_stacked
    batch = objective.batch(speech, places, central.tokens, NO_AUGMENTATION, np.random.default_rng(0), stacked)
    with one_thread():
        gradients = each_gradient(recogniser, objective.losses, batch, None)
    finite = [place for place in range(len(places)) if all(bool(g[place].isfinite().all()) for g in gradients.values())]
    return Subspace.of_longest([part[finite] for part in gradients.values()], dimensions)
