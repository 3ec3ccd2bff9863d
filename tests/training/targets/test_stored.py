"""What is stored of a teacher is found again where it is whole, and else made anew or refused in a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.toy_speech import made_up, small_recogniser

from fedasr.common.errors import RowError
from fedasr.runs.stages.taught import targets_stage, teacher_in
from fedasr.training.targets.asked import GREEDY_TEXT, AskedOfTeacher
from fedasr.training.targets.stored import FACTS, SHARD, TEXTS, StoredTeacher

SPEECH, FRAMES = made_up(3), AskedOfTeacher(2)


def _heard(stages: Path, asked: AskedOfTeacher = FRAMES) -> StoredTeacher:
    return teacher_in(stages, small_recogniser(), SPEECH, asked, None)


@pytest.mark.parametrize("name", [SHARD, TEXTS, FACTS])
def test_what_is_not_whole_is_made_anew(name: str, tmp_path: Path) -> None:
    whole = _heard(tmp_path)
    said = whole.targets(SPEECH.id(0))[1].tolist()
    (whole.folder / name).unlink()
    assert _heard(tmp_path).targets(SPEECH.id(0))[1].tolist() == said
    assert {path.name for path in whole.folder.iterdir()} == {SHARD, TEXTS, FACTS}


def test_a_shard_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    shard = _heard(tmp_path).folder / SHARD
    content = shard.read_bytes()
    shard.write_bytes(content[:100])
    _heard(tmp_path)
    assert shard.read_bytes() == content


def test_a_damaged_shard_ends_its_row_alone(tmp_path: Path) -> None:
    shard = _heard(tmp_path).folder / SHARD
    shard.write_bytes(bytes(shard.stat().st_size))
    with pytest.raises(RowError, match="not a shard"):
        _heard(tmp_path).targets(SPEECH.id(0))


def test_an_utterance_that_was_not_heard_is_named(tmp_path: Path) -> None:
    asked = AskedOfTeacher(0, GREEDY_TEXT)
    heard = _heard(tmp_path, asked)
    assert [isinstance(heard.text(SPEECH.id(place)), str) for place in range(3)] == [True] * 3
    (heard.folder / TEXTS).write_text("")
    with pytest.raises(RowError, match=f"nothing was heard of utterance '{SPEECH.id(1)}'"):
        _heard(tmp_path, asked).text(SPEECH.id(1))


def test_transcripts_are_no_part_of_the_stage() -> None:
    asked, teacher = AskedOfTeacher(2), small_recogniser()
    assert targets_stage(teacher, SPEECH, asked).key == targets_stage(teacher, SPEECH.untranscribed(), asked).key


def test_targets_of_another_teacher_are_refused_by_what_differs(tmp_path: Path) -> None:
    stored = _heard(tmp_path)
    other = StoredTeacher(stored.folder, replace(stored.binding, teacher="another"))
    with pytest.raises(RowError, match="the teacher's weights"):
        other.targets("u0")
    assert len(stored.targets("u0")[0]) > 0
