"""Origin: what the model that a row begins from has heard, as the silos of a run must take it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fedasr.common.errors import UserError
from fedasr.engine.preparation import Prepared
from fedasr.privacy.accounting.promise import Promise
from fedasr.protection.inheritance import Inheritance
from fedasr.protection.releases import Releases
from fedasr.runs.heard import HeardSpeech
from fedasr.runs.provenance import Provenance

StartSpeech = Literal["public", "declared public", "protected", "private", "unknown"]


@dataclass(frozen=True)
class Origin:
    """The past of a model, seen from the silos of a run.

    =================  ==========================================================================================
    public             speech that nobody in the silos said: it costs nothing
    declared public    the same by an experiment's word alone
    protected          speech under a promise; whose stands nowhere, so that its charges are the row's own
    private            speech of the silos under no promise: nobody can promise after it
    unknown            nobody knows: nobody can promise after it
    =================  ==========================================================================================

    What the experiment itself calls public is public, whoever says it: a promise is about what is in the silos.

    Attributes
    ----------
    provenance : Provenance
    speech : str
    told : str
        What is to be said of it; empty where it is public.
    """

    provenance: Provenance
    speech: StartSpeech
    told: str = ""

    @property
    def is_void(self) -> bool:
        """Whether nobody can promise after it."""
        return self.speech in ("private", "unknown")

    def inheritance(self, unprotected: str | None = None) -> Inheritance:
        """Return what a row takes over.

        Parameters
        ----------
        unprotected : str, optional
            A row of the run behind it that promised nothing.
        """
        past, void = self.provenance, f"promises nothing: {self.told}" if self.is_void else ""
        return Inheritance(past.ledger, unprotected, past.promise, void, self.speech, past.declared, self.told)


def origin_of(provenance: Provenance, prepared: Prepared) -> Origin:
    """Return how the silos of a run must take a model's past."""
    if provenance.unknown:
        return Origin(provenance, "unknown", f"it begins from a model of unknown past ({provenance.unknown})")
    public, private = provenance.public - prepared.heard_public, provenance.private
    if heard := public | private:
        silos = prepared.heard_in_silos
        if not (silos.is_whole and heard.is_whole):
            return _of_nodes(provenance, silos)
        if shared := heard.shared(silos):
            told = f"it begins from a model that has heard {_count(shared)} of the silos' under no promise"
            return Origin(provenance, "private", told)
    if provenance.ledger:
        return Origin(provenance, "protected", "it begins from a model that has spent privacy before")
    if provenance.declared:
        names = ", ".join(provenance.declared)
        return Origin(provenance, "declared public", f"the speech behind its start ({names}) was declared public")
    return Origin(provenance, "public")


def _of_nodes(provenance: Provenance, silos: HeardSpeech) -> Origin:
    """Return how a past must be taken where some speech lies with nodes, and nobody here can name it."""
    if not (silos.is_whole or provenance.private.is_whole):
        told = "it begins from a model that has heard speech of nodes under no promise"
        return Origin(provenance, "private", told)
    told = "nobody here sees whether the silos hold speech that the model has heard which it begins from"
    return Origin(provenance, "unknown", told)


def declared_public(provenance: Provenance, name: str, prepared: Prepared) -> Provenance:
    """Return the past of a model that the experiment declares to have heard nothing of the silos.

    Raises
    ------
    UserError
        Where the model's own file says what it has heard, and a declaration would change nothing, or deny it.
    """
    found = origin_of(provenance, prepared)
    if not found.is_void:
        raise UserError(f"model.start_speech: {name} says itself which speech it has heard; leave it out")
    silos = prepared.heard_in_silos
    if same := len((provenance.public | provenance.private).shared(silos).utterances):
        raise UserError(
            f"model.start_speech: {name} has heard {same} of the silos' own utterances, which no declaration makes "
            "public; leave it out"
        )
    return provenance.declared_public(name, silos)


def provenance_after(origin: Origin, prepared: Prepared, releases: Releases) -> Provenance:
    """Return what is behind the model that a row has made of the one that it began from."""
    past, charged = origin.provenance, tuple(releases.store.ledger())
    private = prepared.heard_in_silos if _is_unpaid(releases) else HeardSpeech()
    return replace(
        past, public=past.public | prepared.heard_public, private=past.private | private,
        ledger=(*past.ledger, *charged[len(releases.inherited.charged) :]), promise=_promise(past, releases),
    )  # fmt: skip


def _is_unpaid(releases: Releases) -> bool:
    """Return whether a row has something of the silos that no promise covers; without one that is all it was told."""
    return bool(releases.store.unpaid() if releases.promised is None else releases.unpaid())


def _promise(past: Provenance, releases: Releases) -> Promise | None:
    """Return what is promised of all charges behind a model; None where nothing is promised of them together."""
    account = releases.account()
    if account is None:
        return past.promise
    if account.broken or (past.ledger and not releases.inherited.charged):
        return None
    return account.promise


def _count(shared: HeardSpeech) -> str:
    parts = [(len(shared.speakers), "speakers"), (len(shared.utterances), "utterances")]
    return " and ".join(f"{count} {what}" for count, what in parts if count)
