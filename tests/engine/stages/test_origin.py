"""What a model has heard costs the silos of a run as much as it must, and a poisoned account of it is none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.engine.stages.origin import declared_public, origin_of
from fedasr.privacy.accounting.ledger import Release
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.gaussian import GaussianSum
from fedasr.runs.heard import HeardSpeech
from fedasr.runs.provenance import PROVENANCE, SEAL, Provenance, provenance_of, seal_of

WEIGHTS = {"layer": np.arange(4, dtype=np.float32)}
LINE = Release(GaussianSum(3.0), "silo", "replace-one", "secure", "all", "all", 2, "round.1", "d").fields()
PROMISE = Promise("silo", "replace-one", 1e-5, ((GaussianSum(3.0), 2),))
NODES = HeardSpeech(is_whole=False)


def heard(*names: str) -> HeardSpeech:
    """Return speech of some speakers, an utterance each."""
    return HeardSpeech(frozenset(names), frozenset(f"{name}-1" for name in names))


@dataclass(frozen=True)
class _Run:
    """What of a prepared experiment counts."""

    heard_in_silos: HeardSpeech = field(default_factory=lambda: heard("ann", "bob"))
    heard_public: HeardSpeech = field(default_factory=lambda: heard("pat"))


def speech(past: Provenance, run: Any = _Run()) -> str:
    return origin_of(past, run).speech


def test_speech_of_nobody_in_the_silos_costs_nothing() -> None:
    assert speech(Provenance()) == "public"
    assert speech(Provenance(public=heard("eve", "pat"))) == "public"
    assert speech(Provenance(private=heard("eve"))) == "public"


def test_what_the_experiment_itself_calls_public_costs_nothing() -> None:
    run = _Run(heard_in_silos=heard("ann", "pat"))
    assert speech(Provenance(public=heard("pat")), run) == "public"
    assert speech(Provenance(private=heard("pat")), run) == "private", "another run's silos heard it, unpromised"


@pytest.mark.parametrize("past", [Provenance(public=heard("ann")), Provenance(private=heard("bob", "eve"))])
def test_speech_of_the_silos_under_no_promise_takes_every_promise_away(past: Provenance) -> None:
    assert speech(past) == "private"
    parts = {name: replace(getattr(past, name), speakers=frozenset()) for name in ("public", "private")}
    renamed = replace(past, **parts)
    assert speech(renamed) == "private", "the same recordings under other names"
    assert origin_of(past, _Run()).inheritance().void.startswith("promises nothing: it begins from a model that has")


def test_a_ledger_is_brought_along_whomever_it_protects() -> None:
    origin = origin_of(Provenance(heard("eve"), ledger=(LINE,), promise=PROMISE), _Run())
    assert origin.speech == "protected"
    found = origin.inheritance()
    assert (found.charged, found.promise, found.void) == ((LINE,), PROMISE, "")
    assert found.before(replace(PROMISE, delta=1e-6)) == found
    for other in (replace(PROMISE, unit="utterance"), replace(PROMISE, adjacency="add-remove")):
        void = found.before(other)
        assert "another unit (silo, replace-one)" in void.void
        assert (void.charged, void.promise) == ((), None)
    assert "no promise" in replace(found, promise=None).before(PROMISE).void


def test_what_is_made_of_two_models_has_both_pasts() -> None:
    one, two = Provenance(heard("eve"), ledger=(LINE,), promise=PROMISE), Provenance(private=heard("ann"))
    both = one.beside(two)
    assert (both.public, both.private, both.ledger, both.promise) == (heard("eve"), heard("ann"), (LINE,), PROMISE)
    assert one.beside(one).promise is None, "of two promises nobody says whether they are one"
    assert speech(one.beside(Provenance(unknown="it is old"))) == "unknown"


def test_speech_of_nodes_can_be_named_by_nobody() -> None:
    run = _Run(heard_in_silos=NODES)
    assert speech(Provenance(public=heard("pat")), run) == "public"
    assert speech(Provenance(public=heard("eve")), run) == "unknown"
    assert speech(Provenance(private=NODES), run) == "private"
    assert speech(Provenance(private=NODES)) == "unknown"


def test_a_declaration_lifts_what_is_unknown_and_no_more() -> None:
    run: Any = _Run()
    lifted = declared_public(Provenance(unknown="it is old"), "old.safetensors", run)
    found = origin_of(lifted, run)
    assert (found.speech, found.told) == (
        "declared public", "the speech behind its start (old.safetensors) was declared public",
    )  # fmt: skip
    namesake = Provenance(public=replace(heard("ann"), utterances=frozenset({"other"})))
    assert origin_of(declared_public(namesake, "x", run), run).speech == "declared public"
    with pytest.raises(UserError, match="x says itself which speech it has heard; leave it out"):
        declared_public(Provenance(public=heard("eve")), "x", run)
    with pytest.raises(UserError, match="x has heard 1 of the silos' own utterances"):
        declared_public(Provenance(private=heard("ann")), "x", run)
    nodes: Any = _Run(heard_in_silos=NODES)
    assert speech(declared_public(Provenance(public=heard("eve")), "x", nodes), nodes) == "declared public"


def _stored(folder: Path, told: Any, weights: Any = WEIGHTS) -> Provenance:
    path = folder / "model.safetensors"
    save_arrays(path, weights, {} if told is None else {PROVENANCE: told})
    return provenance_of(path, *load_arrays(path))


def test_a_provenance_is_read_as_it_was_written(tmp_path: Path) -> None:
    whole = Provenance(heard("eve"), heard("bob"), (LINE,), PROMISE, ("old",))
    assert _stored(tmp_path, whole.fields(WEIGHTS)) == whole


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"private": HeardSpeech().fields()}, "was changed"), ({"ledger": []}, "was changed"),
        ({"model_sha256": "0" * 64}, "of other weights"), ({"ledger": [{"key": "x"}]}, "cannot be read"),
        ({"promise": {"unit": "silo"}}, "cannot be read"),
    ],
)  # fmt: skip
def test_one_that_was_changed_or_is_of_other_weights_is_unknown(
    change: dict[str, Any], says: str, is_sealed: bool, tmp_path: Path
) -> None:
    told = json.loads(json.dumps(Provenance(heard("eve"), heard("bob"), (LINE,), PROMISE).fields(WEIGHTS))) | change
    if is_sealed:
        told[SEAL] = seal_of(told)
    found = _stored(tmp_path, told)
    if is_sealed and says == "was changed":
        assert not found.unknown, "who makes seal and content anew is not found out here"
    else:
        assert (says if is_sealed else "was changed") in found.unknown
        assert found.public == found.private == HeardSpeech()


@pytest.mark.parametrize("told", [None, 3, {}, "x", [1]])
def test_a_file_without_one_is_unknown(told: Any, tmp_path: Path) -> None:
    assert _stored(tmp_path, told).unknown
    moved = {"layer": WEIGHTS["layer"] + np.float32(1)}
    assert "of other weights" in _stored(tmp_path, Provenance().fields(WEIGHTS), moved).unknown
