from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import fedasr.common.registry
from fedasr.common.errors import UserError
from fedasr.common.registry import Registry

SPICES: Registry[type] = Registry("spice", "fedasr.spices")


def registered(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    found = tuple(EntryPoint(name, path, SPICES.group) for name, path in points)
    monkeypatch.setattr(fedasr.common.registry, "_points", lambda group: found if group == SPICES.group else ())


def test_a_name_or_a_path_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, ("saffron", "decimal:Decimal"))
    from decimal import Decimal
    from fractions import Fraction

    assert SPICES.find("saffron") is Decimal
    assert SPICES.find("fractions:Fraction") is Fraction
    assert SPICES.name_of(Decimal) == "saffron"
    assert SPICES.name_of(Fraction) == "fractions:Fraction"


def test_what_is_not_there_is_refused_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, ("saffron", "decimal:Decimal"), ("gone", "no.such.module:X"))
    with pytest.raises(UserError, match="no spice 'safron'; did you mean 'saffron'"):
        SPICES.find("safron")
    for name in ("gone", "decimal:Nothing", "decimal:", ":Decimal"):
        with pytest.raises(UserError, match="cannot be imported"):
            SPICES.find(name)


def test_one_name_for_two_things_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, ("saffron", "decimal:Decimal"), ("saffron", "fractions:Fraction"))
    with pytest.raises(UserError, match="two packages register the spice 'saffron'"):
        SPICES.known()
    registered(monkeypatch, ("saffron", "decimal:Decimal"), ("saffron", "decimal:Decimal"))
    assert SPICES.known() == {"saffron": "decimal:Decimal"}


def test_an_installation_older_than_its_sources_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An editable one knows the names of the day on which it was made."""
    sources = tmp_path / "pyproject.toml"
    monkeypatch.setattr(fedasr.common.registry, "SOURCES", sources)
    registered(monkeypatch, ("saffron", "decimal:Decimal"))
    table = "[project]\nname = 'NAME'\n[project.entry-points.'fedasr.spices']\nsafron = 'decimal:Decimal'"
    for text, says in {
        table.replace("NAME", "fedasr"): "does not know the spice 'safron' of its sources.*pip install -e",
        table.replace("NAME", "mine"): "no spice 'safron'; did you mean",
        "[[": "no spice 'safron'; did you mean",
    }.items():
        fedasr.common.registry._written_down.cache_clear()
        sources.write_text(text)
        with pytest.raises(UserError, match=says):
            SPICES.find("safron")
    fedasr.common.registry._written_down.cache_clear()


@pytest.mark.parametrize("group", ["fedasr.strategies", "fedasr.protections", "fedasr.codecs"])
def test_the_names_of_the_sources_are_those_of_the_installation(group: str) -> None:
    assert fedasr.common.registry._written_down(group) <= Registry("name", group).known().keys()
