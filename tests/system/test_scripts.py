"""A corpus of one's own, in each form and in any script: the same steps, and its texts are whole at each of them."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from support.running import Finished, tiny_table
from support.sound import record, row

TEXTS = {
    "English": ("turn on the light", "play some music"),
    "Chinese": ("今天天气很好啊", "请打开客厅的灯"),
    "Arabic": ("مرحبا بالعالم", "افتح النافذة من فضلك"),
    "mixed": ("播放 love story 这首歌", "افتح wifi الآن"),
}
FORMS = {"jsonl": "manifest", "csv": "table", "tsv": "table"}
UNSPACED = "references have no spaces between words"
Call = Callable[..., Finished]


def _write(folder: Path, form: str, texts: tuple[str, ...]) -> Path:
    """Write eight speakers of two utterances, and a table that bears a byte order mark, as spreadsheets write it."""
    names = [(f"s{number // 2}", f"{number}.wav") for number in range(16)]
    rows = [row(name, speaker=who, text=texts[n % len(texts)], duration=1.0) for n, (who, name) in enumerate(names)]
    for number, (_, name) in enumerate(names):
        record(folder / name, 1.0, seed=number)
    path = folder / f"speech.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), encoding="utf-8")
        return path
    with path.open("w", encoding="utf-8-sig" if form == "csv" else "utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]), delimiter="," if form == "csv" else "\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return path


def _experiment(path: Path, form: str) -> Path:
    table = tiny_table(
        corpus={"kind": FORMS[form], "path": str(path)}, training={"rounds": 1},
        model={"units": 4}, compare=[{"name": "fedavg", "strategy": "fedavg"}],
    )  # fmt: skip
    for key in ("grammar", "speakers", "utterances_per_speaker"):
        del table["corpus"][key]
    file = path.parent / "own.toml"
    file.write_text(tomli_w.dumps(table), encoding="utf-8")
    return file


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    """Call a command in this process."""

    def called(module: str, *words: object) -> Finished:
        with pytest.raises(SystemExit) as exit_:
            importlib.import_module(f"fedasr.{module}").app([str(word) for word in words])
        found = capfd.readouterr()
        assert exit_.value.code in (None, 0), found.err
        return Finished(0, found.out, found.err)

    return called


@pytest.mark.parametrize(("script", "form"), zip(TEXTS, ("tsv", "jsonl", "csv", "tsv"), strict=True))
def test_a_corpus_of_ones_own_is_trained_on_scored_and_shown(
    script: str, form: str, tmp_path: Path, call: Call
) -> None:
    """One form is trained on; scored are all three, which differ in nothing."""
    speech, run = {each: _write(tmp_path, each, TEXTS[script]) for each in FORMS}, tmp_path / "run"
    told = call("simulate", _experiment(speech[form], form), "--grid", "process", "--out", run)
    said = [json.loads(line)["reference"] for line in _lines(run / "fedavg" / "hypotheses.jsonl")]
    assert set(said) == set(TEXTS[script])

    scored = {each: call("evaluate", run / "fedavg", path, "--json") for each, path in speech.items()}
    first, *others = (json.loads(found.out) for found in scored.values())
    assert {line["reference"] for line in first["hypotheses"]} == set(TEXTS[script])
    assert first["utterances"] == 16
    assert all(other == first for other in others)
    for line in (told.err, *(found.err for found in scored.values())):
        assert (UNSPACED in line) == (script == "Chinese")

    heard = call("transcribe", run / "fedavg", tmp_path / "0.wav").out
    assert heard.count("\n") == 1
    assert set(heard) <= set("".join(TEXTS[script])) | set(" 'abcdefghijklmnopqrstuvwxyz\n")

    call("report.__main__", run)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert any(f'<td dir="auto">{text}</td>' in page for text in TEXTS[script])
    assert (UNSPACED in page) == (script == "Chinese")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_a_table_in_another_encoding_is_refused_by_its_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    speech = _write(tmp_path, "csv", TEXTS["Chinese"])
    speech.write_text(speech.read_text(encoding="utf-8-sig"), encoding="gb18030")
    with pytest.raises(SystemExit) as exit_:
        importlib.import_module("fedasr.simulate").app([str(_experiment(speech, "csv")), "--grid", "process"])
    told = capfd.readouterr().err
    assert exit_.value.code == 2
    assert told.startswith(f"error: {speech}:2: ")
    assert "save it as UTF-8" in told
