from importlib.metadata import EntryPoint

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
