"""Falsehoods: one thing of a run folder changed, and in half of them the digest and the figure that follow made anew.

Each is a function of a run folder and dice; it returns what it did, in words. Where all that follows from a change is
made anew it is another honest run, and no falsehood: in each of these something is left that contradicts it.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedasr.verification.arithmetic.levenshtein import edits
from fedasr.verification.costs import bounds, charged
from fedasr.verification.tensors import Tensor, read_tensors, release_digest, weights_digest

Dice = random.Random
LEDGER = "releases/ledger.jsonl"


@dataclass(frozen=True)
class Falsehood:
    """Of what, whether the digest and the figure that follow directly are made anew, and what falsifies a folder."""

    of: str
    is_remade: bool
    tell: Callable[[Path, Dice], str]


def rows(run: Path, **wanted: Any) -> list[dict[str, Any]]:
    """Return the finished rows of a run that have something of a name: a file, or a field that is not null."""
    found = [row for row in read(run / "summary.json")["rows"] if row["status"] == "finished"]
    for name, is_wanted in wanted.items():
        found = [row for row in found if (row.get(name) is not None) == is_wanted]
    return found


def holding(run: Path, dice: Dice, name: str, **wanted: Any) -> Path:
    """Return the folder of a row that holds files of a pattern."""
    places = [run / row["folder"] for row in rows(run, **wanted)]
    return dice.choice([place for place in places if any(path.stat().st_size for path in place.glob(name))])


def read(path: Path) -> Any:
    """Return JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


def lines(path: Path) -> list[dict[str, Any]]:
    """Return JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, value: Any) -> None:
    """Write JSON, or JSON lines of a list where the name says so."""
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in value)
    else:
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def state(place: Path, run: Path, **changes: Any) -> None:
    """Say something else of a row in its own line and in the summary."""
    write(place / "row.jsonl", [{**lines(place / "row.jsonl")[0], **changes}])
    summary = read(run / "summary.json")
    told = [{**row, **changes} if row["folder"] == place.name else row for row in summary["rows"]]
    write(run / "summary.json", {**summary, "rows": told})


def save(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    kinds = {"float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32", "uint8": "U8"}
    place = 0
    for name, tensor in tensors.items():
        end = place + len(tensor.content)
        header[name] = {"dtype": kinds[tensor.type], "shape": list(tensor.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(tensor.content for tensor in tensors.values()))


def changed(path: Path, dice: Dice) -> str:
    """Change one number of a safetensors file."""
    stored = read_tensors(path)
    name = dice.choice([name for name, tensor in stored.tensors.items() if tensor.content])
    tensor = stored.tensors[name]
    array = tensor.array().copy()
    place = dice.randrange(array.size)
    array.flat[place] += 1 if array.dtype.kind in "iu" else np.spacing(array.flat[place]) + array.dtype.type(1e-3)
    save(path, {**stored.tensors, name: Tensor(tensor.type, tensor.shape, array.tobytes())}, stored.metadata)
    return f"{path.name}: {name}[{place}]"


def a_byte(run: Path, dice: Dice) -> tuple[Path, int, str]:
    """Change the bytes of a message."""
    place = holding(run, dice, "traffic.jsonl")
    messages = lines(place / "traffic.jsonl")
    at, key, by = (
        dice.randrange(len(messages)),
        dice.choice(("blob_bytes", "envelope_bytes")),
        dice.choice((-1, 1, 512)),
    )
    messages[at][key] += by
    write(place / "traffic.jsonl", messages)
    return place, by, messages[at]["direction"]


def byte(run: Path, dice: Dice) -> str:
    place, by, direction = a_byte(run, dice)
    return f"{place.name}/traffic.jsonl: {by} bytes {direction}"


def byte_and_total(run: Path, dice: Dice) -> str:
    place, by, direction = a_byte(run, dice)
    key = "uplink_bytes" if direction == "up" else "downlink_bytes"
    state(place, run, **{key: lines(place / "row.jsonl")[0][key] + by})
    return f"{place.name}/traffic.jsonl: {by} bytes {direction}, and the total"


def epsilon(run: Path, dice: Dice) -> str:
    place, factor = holding(run, dice, "row.jsonl", epsilon=True), dice.choice((0.5, 0.9, 0.99))
    summary = read(run / "summary.json")
    for row in summary["rows"]:
        if row["folder"] == place.name:
            row["epsilon"] *= factor
    write(run / "summary.json", summary)
    return f"{place.name}: epsilon × {factor} in the summary"


def epsilon_everywhere(run: Path, dice: Dice) -> str:
    place, factor = holding(run, dice, "row.jsonl", epsilon=True), dice.choice((0.5, 0.9, 0.99))
    privacy = read(place / "privacy.json")
    found = privacy["epsilon"] * factor
    privacy["bounds"][privacy["epsilon_bound"]] = privacy["epsilon"] = found
    write(place / "privacy.json", privacy)
    state(place, run, epsilon=found)
    return f"{place.name}: epsilon × {factor}, and the bound that it is"


def a_hypothesis(run: Path, dice: Dice) -> tuple[Path, str, int]:
    """Have one more or one fewer word be wrong; return whose it is and by how many errors there are more."""
    place = holding(run, dice, "hypotheses.jsonl")
    heard = lines(place / "hypotheses.jsonl")
    line = dice.choice([line for line in heard if line["hypothesis"] != line["reference"]])
    before = _errors(line)
    line["hypothesis"] = line["reference"]
    write(place / "hypotheses.jsonl", heard)
    return place, line["speaker"], -before


def _errors(line: Mapping[str, Any]) -> int:
    return edits(line["reference"].split(), line["hypothesis"].split()).errors


def hypothesis(run: Path, dice: Dice) -> str:
    place, _, more = a_hypothesis(run, dice)
    return f"{place.name}/hypotheses.jsonl: {more} errors"


def hypothesis_and_speaker(run: Path, dice: Dice) -> str:
    """The errors of the speaker follow; the rate does not."""
    place, speaker, more = a_hypothesis(run, dice)
    scores = read(place / "speakers.json")
    for score in scores:
        if (score["speaker"], score["of"], score["decoding"]) == (speaker, "new speakers", "greedy"):
            score["errors"] += more
            score["wer"] = score["errors"] / max(score["words"], 1)
    write(place / "speakers.json", scores)
    return f"{place.name}/hypotheses.jsonl: {more} errors, and the speaker's"


def hypothesis_and_rate(run: Path, dice: Dice) -> str:
    """The rate follows; the speaker's errors and the interval do not."""
    place, _, more = a_hypothesis(run, dice)
    words = sum(len(line["reference"].split()) for line in lines(place / "hypotheses.jsonl"))
    state(place, run, wer=lines(place / "row.jsonl")[0]["wer"] + more / words)
    return f"{place.name}/hypotheses.jsonl: {more} errors, and the rate"


def weight(run: Path, dice: Dice) -> str:
    place = holding(run, dice, "model.safetensors")
    return f"{place.name}/{changed(place / 'model.safetensors', dice)}"


def weight_and_digest(run: Path, dice: Dice) -> str:
    place = holding(run, dice, "model.safetensors")
    what = changed(place / "model.safetensors", dice)
    state(place, run, model_sha256=weights_digest(read_tensors(place / "model.safetensors").tensors))
    return f"{place.name}/{what}, and model_sha256"


def a_line(run: Path, dice: Dice, is_remade: bool) -> str:
    """Leave out a line of a ledger, or raise the noise that it says."""
    place = holding(run, dice, LEDGER)
    ledger = lines(place / LEDGER)
    at = dice.randrange(len(ledger))
    mechanism = ledger[at]["mechanism"]
    key = next(key for key in ("noise_multiplier", "sigma", "scale") if key in mechanism)
    if dice.random() < 0.5 and len(ledger) > 1:
        del ledger[at]
        what = "left out"
    else:
        mechanism[key] *= 1.5
        what = f"{key} × 1.5"
    write(place / LEDGER, ledger)
    if is_remade:
        remade_privacy(place, run, ledger)
    return f"{place.name}/{LEDGER}: line {at + 1} {what}"


def remade_privacy(place: Path, run: Path, ledger: list[dict[str, Any]]) -> None:
    """Write ``privacy.json`` and what was spent as a ledger has them."""
    privacy = read(place / "privacy.json")
    releases = [(charged(line), line["count"]) for line in ledger]
    ends = [low for low, _ in bounds(releases, privacy["delta"], privacy["adjacency"]).values()]
    spent = min(ends) * (1 + 1e-6) if privacy["epsilon_spent"] is not None else None
    write(place / "privacy.json", {**privacy, "ledger": ledger, "epsilon_spent": spent})
    state(place, run, epsilon_spent=spent)


def a_release(run: Path, dice: Dice, is_remade: bool) -> str:
    """Change a number that was published."""
    place = holding(run, dice, "releases/*.safetensors")
    path = dice.choice(sorted(place.glob("releases/*.safetensors")))
    stored = read_tensors(path)
    before = release_digest(stored.tensors, stored.description["draw"])
    what = changed(path, dice)
    if is_remade:
        after = release_digest(read_tensors(path).tensors, stored.description["draw"])
        privacy, ledger = read(place / "privacy.json"), lines(place / LEDGER)
        for line in (*ledger, *privacy["ledger"]):
            line["digest"] = after if line["digest"] == before else line["digest"]
        write(place / LEDGER, ledger)
        write(place / "privacy.json", privacy)
    return f"{place.name}/{what}"


def a_row(run: Path, dice: Dice) -> str:
    """Say in the summary what another seed's row says, or leave a seed's row out."""
    summary = read(run / "summary.json")
    one, other = dice.choice(_of_two_seeds(summary["rows"]))
    if dice.random() < 0.5:
        summary["rows"].remove(one)
        what = "left out"
    else:
        own = {key: one[key] for key in ("name", "seed", "folder")}
        summary["rows"] = [{**other, **own} if row is one else row for row in summary["rows"]]
        what = f"as {other['folder']}"
    write(run / "summary.json", summary)
    return f"{one['folder']}: {what}"


def row_and_folder(run: Path, dice: Dice) -> str:
    """Put another seed's row in the place of one, with all its files."""
    one, other = dice.choice(_of_two_seeds(read(run / "summary.json")["rows"]))
    shutil.rmtree(run / one["folder"])
    shutil.copytree(run / other["folder"], run / one["folder"])
    own = {key: one[key] for key in ("name", "seed", "folder")}
    state(run / one["folder"], run, **{**other, **own})
    return f"{one['folder']}: a copy of {other['folder']}"


def _of_two_seeds(all_rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [
        (one, other)
        for one in all_rows for other in all_rows
        if one["name"] == other["name"] and one["seed"] != other["seed"]
    ]  # fmt: skip


FALSEHOODS = (
    Falsehood("a byte count", False, byte), Falsehood("a byte count", True, byte_and_total),
    Falsehood("an ε", False, epsilon), Falsehood("an ε", True, epsilon_everywhere),
    Falsehood("a hypothesis", False, hypothesis), Falsehood("a hypothesis", True, hypothesis_and_speaker),
    Falsehood("a hypothesis", True, hypothesis_and_rate),
    Falsehood("a weight", False, weight), Falsehood("a weight", True, weight_and_digest),
    Falsehood("a ledger line", False, lambda run, dice: a_line(run, dice, False)),
    Falsehood("a ledger line", True, lambda run, dice: a_line(run, dice, True)),
    Falsehood("a release", False, lambda run, dice: a_release(run, dice, False)),
    Falsehood("a release", True, lambda run, dice: a_release(run, dice, True)),
    Falsehood("a seed's row", False, a_row), Falsehood("a seed's row", True, row_and_folder),
)  # fmt: skip
