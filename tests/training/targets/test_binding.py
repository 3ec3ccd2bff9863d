"""What targets belong to."""

import json
from dataclasses import replace
from typing import Any

import pytest
from support.stored_targets import BINDING

from fedasr.common.errors import UserError
from fedasr.training.targets.binding import TargetBinding

OTHERS: dict[str, Any] = {
    "teacher": "d" * 64, "features": "d", "inventory": "d", "outputs": 8, "frames_stacked": 4, "top_k": 5,
}  # fmt: skip


def test_a_binding_survives_json() -> None:
    assert TargetBinding.from_json(json.loads(json.dumps(BINDING.to_json()))) == BINDING


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("teacher", "the teacher's weights: aaaaaaaaaaaaaaaa… here, dddddddddddddddd… there"),
        ("features", "the features that the teacher heard: bbbbbbbbbbbbbbbb… here, d there"),
        ("inventory", "the inventory of outputs: cccccccccccccccc… here, d there"),
        ("outputs", "the number of outputs: 7 here, 8 there"),
        ("frames_stacked", "the 10 ms frames in one target frame: 3 here, 4 there"),
        ("top_k", "the number of outputs kept of each frame: 4 here, 5 there"),
    ],
)
def test_a_difference_is_told_in_words(field: str, words: str) -> None:
    assert BINDING.difference(replace(BINDING, **{field: OTHERS[field]})) == words


def test_the_first_difference_is_told_and_none_where_there_is_none() -> None:
    assert BINDING.difference(replace(BINDING, features="x", top_k=9)).startswith("the features")
    assert BINDING.difference(replace(BINDING)) == ""


def test_more_outputs_than_sixteen_bits_number_are_refused() -> None:
    assert replace(BINDING, outputs=65_535).outputs == 65_535
    with pytest.raises(UserError, match=r"^an inventory of 65,536 outputs: stored targets number 65,535 at most$"):
        replace(BINDING, outputs=65_536)


@pytest.mark.parametrize("field", ["outputs", "frames_stacked", "top_k"])
def test_numbers_are_positive(field: str) -> None:
    with pytest.raises(UserError, match=r"is 0: stored targets need 1 at least$"):
        replace(BINDING, **{field: 0})


def test_no_more_is_kept_than_there_is() -> None:
    assert (BINDING.kept, replace(BINDING, top_k=9).kept) == (4, 7)


@pytest.mark.parametrize("change", [{"teacher": 1}, {"outputs": "7"}, {"outputs": True}, {"more": "x"}])
def test_what_is_no_binding_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a binding"):
        TargetBinding.from_json({**BINDING.to_json(), **change})
    with pytest.raises(ValueError, match="not a binding"):
        TargetBinding.from_json({})
