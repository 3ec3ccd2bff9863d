"""Kinds of messages say what they are; nobody reads it out of a name."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

import fedasr.common.registry
from fedasr.messages.kinds import ALONE, EVALUATE, GRADIENT, KINDS, OWN, TEACHER, TRAIN, Kind, kind_of
from fedasr.silo.app import ANSWERS


def test_the_names_on_the_wire_are_what_they_were() -> None:
    """Run folders hold them, and nodes of other versions answer to them."""
    assert set(OWN) == {
        "train", "train.gradient", "train.alone", "train.teacher", "train.targets", "evaluate", "query.label",
        "query.posterior",
        "query.candidate", "query.frame", "query.speech", "query.silo", "evaluate.own", "query.introduction",
        "query.agreement",
    }  # fmt: skip
    assert all(kind_of(name).name == name for name in OWN)


def test_whatever_a_silo_answers_is_declared() -> None:
    assert {kind.name for kind in ANSWERS} <= set(OWN)
    assert all(kind_of(kind.name) == kind for kind in ANSWERS)


def test_what_is_averaged_is_what_travels_encoded_and_trains() -> None:
    """An average is over what the codec lets through, and questions have none."""
    kinds = [kind_of(name) for name in OWN]
    assert {kind.name for kind in kinds if kind.averaged} == {"train", "train.gradient"}
    assert all(kind.trains and kind.coded for kind in kinds if kind.averaged)
    assert {kind.name for kind in kinds if kind.trains} == {"train", "train.gradient", "train.alone", "train.teacher"}


def test_steps_are_told_by_the_kind_or_left_to_the_message() -> None:
    found = [kind.steps_behind(7) for kind in (TRAIN, GRADIENT, ALONE, TEACHER, EVALUATE)]
    assert found == [7, 1, None, None, 0]


@pytest.fixture
def blur(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package that declares a kind of its own: this module."""
    points = fedasr.common.registry._points

    def with_ours(group: str) -> tuple[EntryPoint, ...]:
        ours = EntryPoint("train.blur", f"{__name__}:BLUR", group)
        return (*points(group), ours) if group == KINDS.group else points(group)

    monkeypatch.setattr(fedasr.common.registry, "_points", with_ours)
    kind_of.cache_clear()
    yield
    kind_of.cache_clear()


BLUR = Kind("train.blur", "row", averaged=True)


@pytest.mark.usefixtures("blur")
def test_another_package_declares_a_kind_of_its_own() -> None:
    assert kind_of("train.blur") is BLUR
    assert (BLUR.category, BLUR.action) == ("train", "blur")


@pytest.mark.parametrize("name", ["train.blur", "query.blur"])
def test_a_kind_that_nobody_declared_may_train_as_long_as_it_likes(name: str) -> None:
    found = kind_of(name)
    assert found.trains
    assert found.steps_behind(7) is None
    assert not found.averaged
    assert not found.coded
