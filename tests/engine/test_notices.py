from dataclasses import replace
from typing import Any

import pytest
from support.running import tiny_table
from support.toy_speech import respoken

from fedasr.asr.tokens import learn_characters, learn_pieces, learn_words
from fedasr.engine.notices import notices, unknown_in_silos, unwritten_references
from fedasr.engine.preparation import Prepared
from fedasr.experiment.experiment import Experiment


def test_nothing_is_said_where_everything_can_be_written(prepared: Prepared) -> None:
    assert notices(prepared) == []


def _with(prepared: Prepared, speakers: set[str], word: str) -> Prepared:
    spoken = tuple(
        replace(u, text=f"{u.text} {word}") if u.speaker in speakers else u for u in prepared.speech.utterances
    )
    return replace(prepared, speech=respoken(prepared.speech, spoken))


def test_a_letter_that_only_a_silo_has_is_said_once(prepared: Prepared) -> None:
    first = set(prepared.partition.silos[0][:1])
    speaker = {u.speaker for u in prepared.speech.utterances if u.id in first}
    (line,) = notices(_with(prepared, speaker, "ééñ"))
    held = sum(map(len, prepared.partition.silos))
    assert f"silos: {len(prepared.partition.silos[0])} of {held} transcripts" in line
    assert "'é' (U+00E9), 'ñ' (U+00F1)" in line
    assert "9 in all" in line
    assert "pieces" in line
    assert "corpus.public_speakers" in line


@pytest.mark.parametrize("part", ["development", "test"])
def test_references_that_cannot_be_written_are_said_by_part(prepared: Prepared, part: str) -> None:
    (line,) = notices(_with(prepared, set(getattr(prepared.partition, part)), "’"))
    count = len(prepared.part(part))
    assert line.startswith(f"{part}: {count} of {count} references hold characters")
    assert "'’' (U+2019)" in line


def test_public_text_is_what_is_learnt_on_and_lacks_nothing(prepared: Prepared) -> None:
    spoken = _with(prepared, set(prepared.partition.public_labelled), "é")
    tokens = learn_characters(spoken.part("public_labelled").text(n) for n in range(3))
    assert notices(replace(spoken, tokens=tokens)) == []


def test_words_are_counted_where_tokens_are_words_and_pieces_are_no_way_out_of_pieces() -> None:
    assert "2 of 3 transcripts hold words" in unknown_in_silos(["yes", "no", "never"], learn_words(["yes"]))
    assert "pieces" not in unknown_in_silos(["nö"], learn_pieces(["no", "on"], 9))
    assert unwritten_references(["on no"], learn_pieces(["no", "on"], 9)) == ""


def test_transcripts_too_long_for_their_audio_are_counted_by_part_and_the_first_is_named(prepared: Prepared) -> None:
    long = "nine " * 99
    speakers = {prepared.partition.development[0]}
    (line,) = notices(_with(prepared, speakers, long))
    count = len(prepared.part("development"))
    assert line.startswith(f"text longer than audio: {count} of {count} of development cannot be learnt, the first ")
    assert prepared.part("development").utterances[0].id in line
    assert "silos" not in line


@pytest.mark.parametrize(("subsampling", "frames", "frame_ms"), [("stacked", 3, 30), ("convolutional", 4, 40)])
def test_frames_are_those_that_the_recogniser_hears(
    prepared: Prepared, subsampling: str, frames: int, frame_ms: int
) -> None:
    spoken = _with(prepared, {prepared.partition.development[0]}, "nine " * 99)
    (line,) = notices(replace(spoken, recogniser_spec=replace(spoken.recogniser_spec, subsampling=subsampling)))
    speech = spoken.part("development")
    assert f"in {-(-speech.frames(0) // frames)} frames of {frame_ms} ms)" in line


def test_a_silo_that_can_learn_nothing_does_not_vanish_in_silence(prepared: Prepared) -> None:
    speaker = {u.speaker for u in prepared.speech.utterances if u.id in prepared.partition.silos[1]}
    (line,) = notices(_with(prepared, speaker, "nine " * 99))
    assert "of silos cannot be learnt" in line
    assert "these silos hold nothing else and learn nothing: 1;" in line


def test_a_transducer_can_say_several_tokens_a_frame(prepared: Prepared) -> None:
    long = _with(prepared, set(prepared.partition.test), "nine " * 99)
    assert notices(replace(long, recogniser_spec=replace(long.recogniser_spec, head="transducer"))) == []
    assert notices(replace(long, recogniser_spec=replace(long.recogniser_spec, head="joint"))) != []


@pytest.mark.parametrize(
    ("row", "is_told"),
    [
        ({"strategy": "fedavg"}, True),
        ({"strategy": "fedavg", "training": {"batch_size": 3}}, False),
        ({"strategy": "fedavg", "training": {"batch_seconds": 5.0}}, False),
        ({"strategy": "fedavg", "protection": "dp-sgd", "protection_options": {"batch_size": 2}}, False),
        ({"strategy": "centralised"}, False),
        ({"strategy": "public-only"}, False),
    ],
)
def test_a_batch_larger_than_what_silos_hold_is_told(prepared: Prepared, row: dict[str, Any], is_told: bool) -> None:
    table = tiny_table(training={"batch_size": 4}, compare=[{"name": "a", **row}])
    found = notices(replace(prepared, experiment=Experiment.from_table(table)))
    line = "training.batch_size is 4, and 4 of 4 silos hold fewer utterances, the smallest 3: all that they hold"
    assert [each.startswith(line) for each in found] == [True] * is_told
