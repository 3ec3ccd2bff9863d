"""Speech is known again by who says it and by its sound, and by nothing that tells a name."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from support.toy_speech import made_up

from fedasr.corpora.speech import Speech, held_speech
from fedasr.runs.heard import DIGITS, FRAMES, HeardSpeech, heard_from, heard_in


def _speech(names: dict[str, str], change: int | None = None, frames: int = 150) -> Speech:
    """Return an utterance a speaker, by id; `change` adds something to one frame of the first."""
    some = made_up(len(names)).utterances
    said = [replace(u, id=id, speaker=speaker) for u, (id, speaker) in zip(some, names.items(), strict=True)]
    features: list[NDArray[np.floating]] = [np.full((frames, 4), n, np.float16) for n in range(len(names))]
    if change is not None:
        features[0][change] += 1
    return held_speech(said, features)


def test_names_count_without_ids_corpora_and_forms_of_unicode() -> None:
    plain = heard_in(_speech({"a": "zoë", "b": "bob"}))
    assert heard_in(_speech({"x": unicodedata.normalize("NFD", "zoë"), "y": "bob"})) == plain
    assert heard_in(_speech({"a": "public/zoë", "b": "public/bob"}), "public/") == plain
    other = heard_in(_speech({"a": "zoe", "b": "bob"}))
    assert len(other.speakers & plain.speakers) == 1
    assert other.utterances == plain.utterances


def test_an_utterance_is_known_by_its_middle_and_its_length() -> None:
    names = {"a": "ann"}
    plain = heard_in(_speech(names)).utterances
    assert heard_in(_speech(names, change=75)).utterances != plain
    assert heard_in(_speech(names, frames=151)).utterances != plain
    assert len(heard_in(_speech(names, frames=FRAMES // 2)).utterances) == 1


def test_no_name_stands_in_it() -> None:
    told = heard_in(_speech({"a": "ann", "b": "bob"}))
    assert heard_from(told.fields()) == told
    assert {len(digest) for digest in told.speakers | told.utterances} == {DIGITS}
    assert "ann" not in str(told.fields())


def test_what_nobody_could_name_is_something() -> None:
    nodes = HeardSpeech(is_whole=False)
    assert nodes
    assert not HeardSpeech()
    assert not (HeardSpeech() | nodes).is_whole
    assert nodes - HeardSpeech(frozenset({"x"})) == nodes
