"""What a silo answers: its own configuration decides, and nobody gets its speech who did not say so."""

from __future__ import annotations

from typing import Any

import pytest
from flwr.app import Message, RecordDict

from fedasr.common.errors import UserError
from fedasr.grid.flower.identity import identify
from fedasr.messages.elsewhere.consent import ALWAYS, NOT_ALLOWED, Consent
from fedasr.messages.kinds import OWN, SPEECH, Kind, kind_of


@pytest.mark.parametrize("name", sorted(OWN))
def test_speech_alone_of_our_own_kinds_needs_consent(name: str) -> None:
    assert Consent.of_node({}).allows(OWN[name]) == (name != "query.speech")
    assert Consent.of_row([SPEECH]).allows(OWN[name])


@pytest.mark.parametrize(
    ("listed", "answered"),
    [("train,query.label", {"train", "query.label"}), (" query.speech ,", {"query.speech"}), ("", set())],
)
def test_a_list_allows_what_it_names_and_nothing_else(listed: str, answered: set[str]) -> None:
    consent = Consent.of_node({"allow": listed})
    assert {name for name, kind in OWN.items() if consent.allows(kind)} == answered | ALWAYS


@pytest.mark.parametrize("listed", [True, 3, 0.5])
def test_a_list_that_is_none_is_refused(listed: Any) -> None:
    with pytest.raises(UserError, match="write the kinds with commas between"):
        Consent.of_node({"allow": listed})


def test_a_refusal_answers_the_message_and_says_what_is_allowed() -> None:
    identify()
    message = Message(RecordDict(), 5, "query.speech")
    refusal = Consent.of_node({"allow": "train"}).refusal(message, SPEECH)
    assert refusal is not None
    assert refusal.error.code == NOT_ALLOWED
    assert refusal.error.reason == "not allowed here: the node's allow names train, not 'query.speech'"
    assert Consent.of_node({"allow": "query.speech"}).refusal(message, SPEECH) is None


@pytest.mark.parametrize("name", ["query.speech", "evaluate", "train.alone", "train.of.nobody", "query.weights"])
def test_nothing_pays_for_what_tells_of_speech_or_for_what_nobody_declared(name: str) -> None:
    assert kind_of(name).unpaid


@pytest.mark.parametrize("name", ["train", "train.gradient", "train.teacher", "query.label", "query.silo"])
def test_what_a_guarantee_may_cover_takes_no_promise_away(name: str) -> None:
    assert not kind_of(name).unpaid


def test_a_kind_of_a_client_half_may_need_consent_too() -> None:
    weights = Kind("query.weights", by_consent=True)
    assert not Consent.of_row().allows(weights)
    assert Consent.of_row([weights]).allows(weights)
    assert Consent.of_node({"allow": "query.weights"}).allows(weights)
