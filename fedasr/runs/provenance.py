"""Provenance: which speech a model has heard and what it has released, in its own file, bound to its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fedasr.asr.recogniser import Weights, digest
from fedasr.common.errors import UserError
from fedasr.privacy.accounting.ledger import release_from
from fedasr.privacy.accounting.promise import Promise, promise_from
from fedasr.runs.heard import HeardSpeech, heard_from

PROVENANCE = "provenance"
"""The key of a model's description under which it stands."""
SEAL = "sha256"


@dataclass(frozen=True)
class Provenance:
    """What is behind a model.

    It is sealed by a SHA-256 of its own and names the SHA-256 of the weights: what was changed, or belongs to other
    weights, is as if it was not there. That guards against mistakes, not against somebody who makes both anew.

    Attributes
    ----------
    public : HeardSpeech
        Speech that was public to whoever trained it.
    private : HeardSpeech
        Speech of silos that no promise covers.
    ledger : tuple of mapping
        The charges for all that it has from speech of silos under a promise. Whose speech that was stands nowhere:
        it is what the promise hides.
    promise : Promise or None
        What was promised of all that is charged.
    declared : tuple of str
        Models of unknown past behind it whose speech an experiment declared public.
    unknown : str
        Why nobody can say what it has heard; empty where that is known.
    """

    public: HeardSpeech = field(default_factory=HeardSpeech)
    private: HeardSpeech = field(default_factory=HeardSpeech)
    ledger: tuple[Mapping[str, Any], ...] = ()
    promise: Promise | None = None
    declared: tuple[str, ...] = ()
    unknown: str = ""

    def declared_public(self, name: str, silos: HeardSpeech) -> Provenance:
        """Return the same where an experiment, which calls the model so, declares that it has heard nothing of silos.

        What is unknown becomes known, and a likeness of names stands for nothing more.
        """
        public, private = (
            (self.public - silos, self.private - silos) if silos.is_whole else (HeardSpeech(), HeardSpeech())
        )
        return replace(self, public=public, private=private, unknown="", declared=(*self.declared, name))

    def beside(self, other: Provenance) -> Provenance:
        """Return the past of what is made of two models."""
        is_one = not (self.ledger and other.ledger)
        return Provenance(
            self.public | other.public, self.private | other.private, (*self.ledger, *other.ledger),
            (self.promise or other.promise) if is_one else None, (*self.declared, *other.declared),
            "; ".join(filter(None, (self.unknown, other.unknown))),
        )  # fmt: skip

    def fields(self, weights: Weights) -> dict[str, Any]:
        """Return the provenance of these weights as JSON, sealed."""
        told = {
            "model_sha256": digest(weights), "public": self.public.fields(), "private": self.private.fields(),
            "ledger": list(self.ledger), "promise": self.promise.fields() if self.promise else None,
            "declared": list(self.declared), "unknown": self.unknown,
        }  # fmt: skip
        return {**told, SEAL: seal_of(told)}


def seal_of(told: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all but the seal, as canonical JSON."""
    plain = {key: value for key, value in told.items() if key != SEAL}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def provenance_of(path: Path, weights: Weights, description: Mapping[str, Any]) -> Provenance:
    """Return what a model's description tells of its past; an unknown one where that cannot be relied on.

    Parameters
    ----------
    path : Path
        Of the model, for the reason.
    weights : mapping of str to ndarray
    description : mapping
        What stands in its file beside the weights.
    """
    told = description.get(PROVENANCE)
    if told is None:
        return Provenance(unknown=f"{path.name} holds no provenance")
    try:
        if told[SEAL] != seal_of(told):
            return Provenance(unknown=f"the provenance in {path.name} was changed")
        if told["model_sha256"] != digest(weights):
            return Provenance(unknown=f"the provenance in {path.name} is of other weights")
        return _read(told)
    except (AttributeError, KeyError, TypeError, ValueError, UserError):
        return Provenance(unknown=f"the provenance in {path.name} cannot be read")


def _read(told: Mapping[str, Any]) -> Provenance:
    for line in told["ledger"]:
        release_from(line)
    promise = promise_from(told["promise"]) if told["promise"] else None
    return Provenance(
        heard_from(told["public"]), heard_from(told["private"]), tuple(told["ledger"]), promise,
        tuple(map(str, told["declared"])), str(told["unknown"]),
    )  # fmt: skip
