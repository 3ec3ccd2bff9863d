"""Settings of PATE: the mechanism and its target, what is voted on, teachers and student."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from fedasr.common.settings import Mistake, Settings, number, one_of
from fedasr.privacy.adjacency import Adjacency


@dataclass(frozen=True)
class PATESettings(Settings):
    """Private aggregation of teacher ensembles, as a row asks for it.

    Parameters
    ----------
    epsilon : float
        What the votes may cost together.
    delta : float
        The δ at which they may.
    mechanism : str
        ``"gnmax"``, ``"lnmax"``, ``"confident-gnmax"`` or ``"noisy-mean"``.
    votes : str
        ``"label"``, ``"utterance"`` or ``"frame"``.
    noise : float, optional
        σ, λ or the deviation on the mean; by default planned from ε, δ and the expected number of votes.
    noise_at : str
        ``"server"``, or ``"teacher"`` (noisy-mean): the server need not be trusted with answers without noise.
    server_sees : str
        ``noise_at = "teacher"``: ``"each"`` noisy answer, or their ``"mean"`` alone, as secure aggregation gives it.
        Against that the target holds; the other ε stands beside it.
    threshold : float
        Confident-GNMax: the share of teachers that must agree.
    check_ratio : float
        Confident-GNMax: the check's noise over the answer's.
    adjacency : str
        ``"replace-one"`` or ``"add-remove"``.
    utterances : int
        Public utterances to ask about; 0 means all.
    maximum_labels : int
        Labels after which a transcript ends unasked; 0 means twice the longest public transcript.
    candidates : int
        ``votes = "utterance"``: how many transcripts the public model proposes.
    proposals : str
        ``votes = "utterance"``: how it finds them: ``"beam"``, its most probable texts; or ``"decoded"``, those that
        the experiment's ``[decoding]`` puts first.
    beam : int
        ``proposals = "beam"``: the width of the search for them, at least their number.
    teacher_steps : int
        Optimizer steps of a teacher, by the settings of ``[training]``.
    teacher_start : str
        ``"public"`` or ``"scratch"``.
    weighting : str
        ``"uniform"``, or ``"utterances"``: a teacher counts by its silo's utterances, which are then public.
    chunk : int
        Utterances that are asked about together.
    evaluate_every : int
        Epochs of the student between evaluations.
    """

    epsilon: float = number(8.0, above=0, below=math.inf)
    delta: float = number(1e-5, above=0, below=1)
    mechanism: str = one_of("gnmax", "gnmax", "lnmax", "confident-gnmax", "noisy-mean")
    votes: str = one_of("label", "label", "utterance", "frame")
    noise: float | None = number(None, above=0, below=math.inf, mend="leave it out to have it planned from epsilon")
    noise_at: str = one_of("server", "server", "teacher")
    server_sees: str = one_of("each", "each", "mean")
    threshold: float = number(0.5, least=0, below=math.inf)
    check_ratio: float = number(1.5, above=0, below=math.inf)
    adjacency: Adjacency = "replace-one"
    utterances: int = number(0, least=0)
    maximum_labels: int = number(0, least=0)
    candidates: int = number(8, least=1)
    proposals: str = one_of("beam", "beam", "decoded")
    beam: int = number(16, least=0)
    teacher_steps: int = number(10, least=1)
    teacher_start: str = one_of("public", "public", "scratch")
    weighting: str = one_of("uniform", "uniform", "utterances")
    chunk: int = number(200, least=1)
    evaluate_every: int = number(5, least=1)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what does not go with the mechanism, or with what is voted on."""
        if self.noise_at == "teacher" and self.mechanism != "noisy-mean":
            yield Mistake("{0} is 'teacher', which goes with {1} = 'noisy-mean'", ("noise_at", "mechanism"))
        if self.noise_at != "teacher":
            yield from self.without_effect("server_sees", unless="noise_at = 'teacher'")
        elif self.server_sees == "each" and self.adjacency == "add-remove":
            keys = ("adjacency", "server_sees")
            yield Mistake("{0} 'add-remove' hides whether a silo is there, which {1} = 'each' shows; set one", keys)
        if self.mechanism == "noisy-mean" and self.votes != "label":
            keys = ("mechanism", "votes")
            yield Mistake("{0} 'noisy-mean' averages the probabilities of next labels; set {1} = 'label'", keys)
        if self.mechanism != "confident-gnmax":
            yield from self.without_effect("threshold", "check_ratio", unless="mechanism = 'confident-gnmax'")
        if self.votes != "utterance":
            yield from self.without_effect("candidates", "proposals", "beam", unless="votes = 'utterance'")
        elif self.proposals != "beam":
            yield from self.without_effect("beam", unless="proposals = 'beam'")
        if self.votes == "frame":
            yield from self.without_effect("maximum_labels", unless="votes = 'label' or 'utterance'")
