"""The stages of a teacher: what it, and what it hears in public speech, is determined by.

Nothing of a vote is among the facts: rows of another ε, mechanism, noise or grammar of labels, another student or
another name share teachers. Each keeps its own ledger, since teachers are no releases.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field

from fedasr.asr.recogniser import Recogniser, digest
from fedasr.messages.train_request import TrainRequest
from fedasr.messages.votes import Integers
from fedasr.runs.stages.facts import computed_by, examples_digest, features_digest
from fedasr.runs.stages.stage import Stage, UndescribedError
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo


def teacher_stage(host: SiloHost, silo: Silo, request: TrainRequest) -> Stage | None:
    """Return the stage of a silo's teacher; None where it is no function of what can be described.

    Noise behind a guarantee is drawn anew for each row, and a teacher with it.
    """
    if host.stages is None or (host.plan.guarantee is not None and not host.reproducible_noise):
        return None
    asked = {key: value for key, value in vars(request).items() if key != "weights"}
    return _described(Stage("teacher", {
        "silo": silo.number, "streams": host.streams,
        "speech": examples_digest(host.learner(silo).examples, host.augment.speeds),
        "weights": digest(dict(request.weights)), "request": asked, "training": host.training,
        "augment": host.augment, "objective": host.objective, "protection": host.plan, **_recogniser(host),
    }))  # fmt: skip


def hearing_stage(host: SiloHost, recogniser: Recogniser, utterances: Integers) -> Stage | None:
    """Return the stage of what the loaded teacher hears in some public utterances, encoded together."""
    if host.stages is None:
        return None
    speech = host.memory(PublicDigests).of(host, utterances)
    return _described(Stage("hearing", {
        "speech": speech, "weights": digest(recogniser.weights()), **_recogniser(host),
    }))  # fmt: skip


@dataclass
class PublicDigests:
    """Digests of public speech, by the places of the utterances: the same for all silos of a process."""

    known: dict[bytes, str] = field(default_factory=dict)

    def of(self, host: SiloHost, utterances: Integers) -> str:
        """Return the digest of what is heard in some utterances."""
        places = hashlib.sha256(utterances.tobytes()).digest()
        if places not in self.known:
            self.known[places] = features_digest(host.public_speech, utterances.tolist())
        return self.known[places]


def _recogniser(host: SiloHost) -> dict[str, object]:
    return {
        "recogniser": asdict(host.recogniser_spec), "tokens": host.tokens.to_json(),
        "computed_by": computed_by(host.recogniser),
    }  # fmt: skip


def _described(stage: Stage) -> Stage | None:
    try:
        _ = stage.digest
    except UndescribedError:
        return None
    return stage
