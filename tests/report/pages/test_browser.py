"""The page in headless Chromium: it asks for nothing, says nothing on the console, sorts, and fits a phone."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedasr.report import write_page

Make = Callable[..., Any]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium (Debian's package of that name)")

HOST = '<!DOCTYPE html><body style="margin:0"><iframe src="page.html" style="border:0;width:{width}px;height:900px">'
PROBE = """
const all = path => [...document.querySelectorAll(path)];
const names = () => all(".sortable tbody tr:not(.more) th").map(cell => cell.textContent.trim());
const wer = all(".sortable thead button").find(button => button.textContent.startsWith("WER"));
const found = { width: innerWidth, scroll: document.documentElement.scrollWidth, orders: [names()] };
for (let click = 0; click < 3; click++) { wer.click(); found.orders.push(names()); }
const scrolls = element => element.closest(".scroll, .drawing, pre, .hidden, details:not([open])");
const beyond = element => element.getBoundingClientRect().right > innerWidth + 1;
found.wide = all("body *").filter(one => !scrolls(one) && beyond(one)).map(one => one.outerHTML.slice(0, 80));
found.table = all(".sortable").map(table => [table.scrollWidth, table.parentElement.clientWidth])[0];
const scale = text => Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b);
const size = text => parseFloat(getComputedStyle(text).fontSize) * scale(text);
found.small = all(".drawing svg text").filter(text => size(text) < 9).map(text => [text.textContent, size(text)]);
found.asked = performance.getEntriesByType("resource").map(entry => entry.name);
parent.postMessage("found " + JSON.stringify(found), "*");
"""


def visited(folder: Path, width: int) -> tuple[dict[str, Any], str]:
    """Return what a page of a width tells of itself, and what the console said."""
    page = write_page(folder).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    page = page.replace("script-src ", f"script-src 'sha256-{digest}' ", 1).replace(
        "</body>", f"<script>{PROBE}</script></body>"
    )
    (folder / "page.html").write_text(page, "utf-8")
    listen = "<p id=told></p><script>onmessage = event => told.textContent = event.data</script>"
    (folder / "host.html").write_text(HOST.format(width=width) + "</iframe>" + listen)
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--no-first-run", "--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}",
            "--enable-logging=stderr", "--virtual-time-budget=4000", "--dump-dom",
            f"--window-size={max(width, 800)},1000", f"file://{folder / 'host.html'}",
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    told = re.search(r"found (\{.*\})</p>", done.stdout, re.DOTALL)
    assert told, done.stdout[-2000:] + done.stderr[-2000:]
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return json.loads(html.unescape(told.group(1))), console


@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_is_whole_on_a_phone_and_on_a_desk(make_run: Make, make_row: Make, width: int) -> None:
    rows = [make_row(name, note="as it was") for name in ("public-only", "fedavg", "centralised", "a-name-" * 9)]
    found, console = visited(make_run(rows), width)
    assert found["width"] == width
    assert found["wide"] == []
    assert found["scroll"] <= width
    assert found["small"] == []
    assert console == ""
    assert found["asked"] == []
    if width == 380:
        assert found["table"][0] <= found["table"][1]


def test_the_table_sorts_by_a_click(make_run: Make, make_failed_row: Make, make_row: Make) -> None:
    rows = [make_failed_row("gtc", "disk full"), *(make_row(n) for n in ("public-only", "centralised", "fedavg"))]
    found, _ = visited(make_run(rows), 1280)
    first = [name.split(" lowest")[0] for name in found["orders"][0]]
    assert first == ["gtc", "public-only", "centralised", "fedavg"]
    orders = [[name.split(" lowest")[0] for name in order] for order in found["orders"]]
    assert orders[1] == ["centralised", "fedavg", "public-only", "gtc"]
    assert orders[2] == ["public-only", "fedavg", "centralised", "gtc"]
    assert orders[3] == first
