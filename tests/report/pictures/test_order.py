from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

import fedasr.common.registry
from fedasr.report import figures, write_page
from fedasr.report.pictures.order import ORDER
from fedasr.report.pictures.picture import PICTURES, Picture
from fedasr.runs.data import RunData

Make = Callable[..., Any]
Register = Callable[..., None]
SECRET = "what speaker17 said"


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Return a function that registers things of this file as pictures, beside fedasr's own."""

    def registered(**names: str) -> None:
        group = PICTURES.group
        own = fedasr.common.registry._points(group)
        others = [EntryPoint(name, f"{__name__}:{attribute}", group) for name, attribute in names.items()]
        monkeypatch.setattr(fedasr.common.registry, "_points", lambda _: (*own, *others))

    return registered


def picture(key: str, inside: bool = False) -> Picture:
    return Picture(key, f"Title of {key}", "Caption.", "Numbers.", Figure(), inside)


def two(data: RunData) -> Iterator[Picture]:
    yield picture("b")
    yield picture("a")


def seen_inside(data: RunData) -> list[Picture]:
    return [picture("seen", inside=True)]


def raises(data: RunData) -> list[Picture]:
    raise KeyError(SECRET)


def takes_a_key(data: RunData) -> list[Picture]:
    return [picture("wer")]


def has_no_name_for_a_key(data: RunData) -> list[Picture]:
    return [picture('x" onload="')]


def cannot_be_saved(data: RunData) -> list[Picture]:
    figure = Figure()
    figure.text(0.5, 0.5, r"$\frac{$", parse_math=True)
    return [Picture("unsaved", "", "", "", figure)]


def is_no_list(data: RunData) -> Picture:
    return picture("single")


def test_fedasrs_own_are_all_in_the_order() -> None:
    assert sorted(ORDER) == [name for name, path in PICTURES.known().items() if path.startswith("fedasr.")]


def test_others_follow_by_name_and_keep_their_own_order(make_run: Make, register: Register) -> None:
    folder = make_run()
    own = list(figures(folder))
    register(z="seen_inside", y="two")
    assert list(figures(folder)) == [*own, "b", "a", "seen"]


def test_a_release_leaves_out_what_another_package_sees_inside(make_run: Make, register: Register) -> None:
    register(seen="seen_inside", two="two")
    text = write_page(make_run(), release=True).read_text("utf-8")
    assert "Title of a" in text
    assert "Title of seen" not in text


def lost(folder: Path, release: bool = False) -> tuple[str, str]:
    """Return the page without its remark, and the remark."""
    text = write_page(folder, release).read_text("utf-8")
    (remark,) = re.findall(r'<p class="remark">(.*)</p>', text)
    return text.replace(f'<p class="remark">{remark}</p>\n', ""), remark


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("raises", f"KeyError: &#39;{SECRET}&#39;"),
        ("takes_a_key", "ValueError: another picture has the key &#39;wer&#39;"),
        ("has_no_name_for_a_key", "ValueError: the key"),
        ("cannot_be_saved", "ValueError: \\frac{"),
        ("is_no_list", "TypeError: "),
        ("is_not_there", "UserError: the picture &#39;odd&#39; cannot be imported"),
    ],
)
def test_what_cannot_be_drawn_is_a_line_and_the_page_stands(
    make_run: Make, register: Register, caplog: pytest.LogCaptureFixture, attribute: str, reason: str
) -> None:
    folder = make_run()
    before = write_page(folder).read_text("utf-8")
    register(odd=attribute)
    page, remark = lost(folder)
    assert page == before
    assert f"could not be drawn ({reason}" in remark
    (record,) = caplog.records
    assert "could not be drawn: " in record.getMessage()
    assert "\n" not in record.getMessage()


def test_a_released_page_does_not_quote_an_error(make_run: Make, register: Register) -> None:
    register(odd="raises")
    page, remark = lost(make_run(), release=True)
    assert SECRET not in page + remark
    assert "(KeyError)" in remark


def test_two_packages_with_one_name_leave_the_page(make_run: Make, register: Register) -> None:
    register(wer="two")
    page, remark = lost(make_run())
    assert "two packages register the picture &#39;wer&#39;" in remark
    assert 'id="comparison"' in page
