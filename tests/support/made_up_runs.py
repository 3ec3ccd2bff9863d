"""Made-up run folders, and the fixtures that make them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

WORDS = ("yes", "no", "one", "two", "three", "four", "five", "six", "enter", "erase", "help", "go", "stop")
FINAL_WER = {"centralised": 0.123, "local-only": 0.62, "public-only": 0.41, "fedavg": 0.237, "fedadam": 0.268}

MakeRun = Callable[..., Path]


def row(name: str, seed: int = 1, **changes: Any) -> dict[str, Any]:
    """One finished row of ``summary.json``; changes replace its values."""
    wer = FINAL_WER.get(name, 0.3) + 0.011 * (seed - 1)
    sends = name not in ("centralised", "local-only", "public-only")
    values = {
        "name": name, "strategy": name, "objective": "supervised", "protection": "none", "codec": "dense",
        "network": "none", "seed": seed, "wer": wer, "wer_low": wer * 0.86, "wer_high": wer * 1.17,
        "cer": wer * 0.4, "development_wer": wer * 1.05, "insertions": 10, "deletions": 20,
        "substitutions": 40, "epsilon": None, "delta": None, "privacy_unit": None, "adjacency": None,
        "epsilon_kind": None, "epsilon_empirical": None, "uplink_bytes": 4.1e9 if sends else 0,
        "downlink_bytes": 4.3e9 if sends else 0, "rounds": 30 if sends else 0, "silos": 60,
        "simulated_seconds": 5400.0 if sends else None, "wall_seconds": 310.0 if sends else 95.0,
        "training_cpu_seconds": 560.0, "peak_memory_bytes": 1.9e9, "refused_replies": 0,
        "start_speech": "public", "private_speech": name != "public-only",
        "model_sha256": "0f" * 32, "status": "finished", "failure": None, "note": None,
        "wer_spread": [0.31, 0.93] if name == "local-only" else None, "folder": name,
    }  # fmt: skip
    return {**values, **changes}


def failed_row(name: str, failure: str) -> dict[str, Any]:
    """A row that failed: it knows no number."""
    known = ("name", "strategy", "seed", "folder")
    empty = {key: value if key in known else None for key, value in row(name).items()}
    return {**empty, "status": "failed", "failure": failure}


@pytest.fixture
def make_row() -> Callable[..., dict[str, Any]]:
    """Return the function that makes a finished row."""
    return row


@pytest.fixture
def make_failed_row() -> Callable[..., dict[str, Any]]:
    """Return the function that makes a failed row."""
    return failed_row


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes a run folder of these rows and this many silos."""

    def make(rows: Sequence[dict[str, Any]] | None = None, silos: int = 60, **summary: Any) -> Path:
        folder = tmp_path / "an4-1"
        chosen = [row(name) for name in FINAL_WER] if rows is None else list(rows)
        write_run(folder, chosen, silos, **summary)
        return folder

    return make


EXCHANGING = {
    # name: kind, WER, rounds, bytes up and down of a silo and round, seconds a round, of which transfer
    "fedavg": ("train", 0.24, 12, (2_900_000, 2_900_000), (40.0, 3.0)),
    "bmuf": ("train", 0.18, 12, (2_900_000, 2_900_000), (40.5, 3.0)),
    "sync-sgd": ("train.gradient", 0.17, 400, (2_900_000, 2_900_000), (4.0, 3.0)),
    "gtc": ("train.gradient", 0.175, 400, (3_100, 40_000), (1.2, 0.2)),
}


@pytest.fixture
def make_exchange_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes a run whose rows trade accuracy for bytes and time, with all the newer fields."""

    def make(seeds: int = 1, silos: int = 4, network: str = "home-fibre") -> Path:
        folder = tmp_path / "bmuf_vs_gtc-1"
        references = [row(name) for name in ("centralised", "public-only")]
        rows = [exchanging_row(name, seed, silos, network) for name in EXCHANGING for seed in range(1, seeds + 1)]
        write_run(folder, [*references, *rows], silos)
        for one in rows:
            write_exchange(folder / one["folder"], one, silos)
        write(folder / "compute.json", {
            "seconds_per_audio_second": 0.02, "parameters": 733_000, "processor": "x86_64",
        })  # fmt: skip
        return folder

    return make


def exchanging_row(name: str, seed: int, silos: int, network: str) -> dict[str, Any]:
    """One row of `EXCHANGING`."""
    _, wer, rounds, (up, down), (seconds, transfer) = EXCHANGING[name]
    final = wer + 0.004 * (seed - 1)
    return row(
        name, seed, folder=f"{name}@{seed}", wer=final, wer_low=final * 0.9, wer_high=final * 1.1, rounds=rounds,
        silos=silos, network=network, uplink_bytes=up * silos * rounds, downlink_bytes=down * silos * rounds,
        simulated_seconds=seconds * rounds, simulated_communication_seconds=transfer * rounds,
        development_loss=2 * final,
    )  # fmt: skip


def write_exchange(folder: Path, one: dict[str, Any], silos: int) -> None:
    """Write metrics and traffic, message by message, that sum to what the row says."""
    kind, wer, rounds, (up, down), (seconds, transfer) = EXCHANGING[one["name"]]
    dice = random.Random(one["folder"])
    every = max(1, rounds // 20)
    lines(folder / "metrics.jsonl", [
        {"round": number, "development_wer": one["wer"] + (0.41 - wer) * 0.05 ** (number / rounds)
         if number % every == 0 else None,
         "uplink_bytes": up * silos if number else 0, "downlink_bytes": down * silos if number else 0,
         "simulated_seconds": seconds if number else 0, "simulated_communication_seconds": transfer if number else 0,
         "density": 1e-3 * dice.lognormvariate(0, 0.5) if number and one["name"] == "gtc" else None,
         "threshold": 2e-4 * 0.99**number if number and one["name"] == "gtc" else None}
        for number in range(rounds + 1)
    ])  # fmt: skip
    lines(folder / "traffic.jsonl", [
        {"round": number, "silo": silo, "direction": direction, "kind": kind, "blob_bytes": size,
         "envelope_bytes": 70, "audio_seconds": 6.0 if kind == "train.gradient" else 180.0}
        for number in range(1, rounds + 1) for silo in range(silos)
        for direction, size in (("down", down), ("up", up))
    ])  # fmt: skip


def write_run(folder: Path, rows: Sequence[dict[str, Any]], silos: int, **summary: Any) -> None:
    """Write a whole run folder, the same one for the same arguments."""
    dice = random.Random(7)
    folder.mkdir(parents=True)
    write(folder / "summary.json", {"experiment": "an4", "seed": 1, "version": "0.1.0", "rows": rows, **summary})
    write(folder / "partition.json", partition(silos, dice))
    (folder / "experiment.toml").write_text('[corpus]\nname = "an4"\n\n[training]\nrounds = 30\n')
    write(
        folder / "environment.json",
        {"python": "3.11.9", "torch": "2.11.0", "cores": 2, "processor": "x86_64"},
    )
    references = [" ".join(dice.choices(WORDS, k=dice.randint(1, 9))) for _ in range(40)]
    for one in rows:
        if one["status"] == "finished":
            write_row(folder / one["folder"], one, silos, references, dice)


def partition(silos: int, dice: random.Random) -> dict[str, Any]:
    """A partition of one speaker a silo, with sizes that differ."""
    sizes = [round(dice.lognormvariate(3.6, 0.7), 1) for _ in range(silos)]
    held = [
        {"silo": number, "speakers": [f"speaker{number}"], "utterances": int(size / 3) + 1, "seconds": size}
        for number, size in enumerate(sizes)
    ]
    others = {
        name: {
            "speakers": [f"{name}{n}" for n in range(count)],
            "utterances": 12 * count,
            "seconds": 37.0 * count,
        }
        for name, count in (
            ("public_labelled", 10),
            ("public_unlabelled", 0),
            ("development", 4),
            ("test", 8),
        )
    }
    return {"rule": "natural", "silos": held, **others}


def write_row(folder: Path, one: dict[str, Any], silos: int, references: list[str], dice: random.Random) -> None:
    """Write the files of one finished row."""
    folder.mkdir()
    wer = one["wer"] if one["wer"] is not None else 0.3
    rounds = one["rounds"] or 0
    curve = [wer + (0.41 - wer) * 0.9**number + dice.gauss(0, 0.004) for number in range(rounds + 1)]
    lines(folder / "metrics.jsonl", [
        {"round": number, "train_loss": 3 * value, "development_wer": value if rounds else None,
         "uplink_bytes": 1, "downlink_bytes": 1, "silos": silos, "refused": [], "wall_seconds": 10.0}
        for number, value in enumerate(curve)
    ])  # fmt: skip
    lines(folder / "traffic.jsonl", [
        {"round": number, "silo": None, "messages": silos, "direction": direction, "kind": "train",
         "blob_bytes": 1000, "envelope_bytes": 5}
        for number in range(1, rounds + 1) for direction in ("up", "down")
    ])  # fmt: skip
    if one["wer"] is not None:
        lines(folder / "hypotheses.jsonl", [
            {"id": f"utterance{n:03}", "speaker": f"test{n % 8}", "reference": text,
             "hypothesis": misheard(text, wer, dice)}
            for n, text in enumerate(references)
        ])  # fmt: skip
    scores = [
        {"silo": n, "speakers": [f"speaker{n}"], "words": 100,
         "errors": min(99, int(100 * wer * dice.lognormvariate(-0.2, 0.5))), "wer": 0.0, "loss": 1.0}
        for n in range(silos)
    ]  # fmt: skip
    on = "test" if one["strategy"] == "local-only" else "own speech"
    write(folder / "silos.json", {"on": on, "silos": scores})
    write(folder / "speakers.json", speakers(wer))


def speakers(wer: float) -> list[dict[str, Any]]:
    """Eight speakers of 100 words whose errors together are those of this rate, to within half a word."""
    shares = [0.4, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.8]
    reached = [round(800 * wer * sum(shares[:n]) / 8) for n in range(9)]
    return [
        {"speaker": f"test{n}", "errors": reached[n + 1] - reached[n], "words": 100, "wer": 0.0} for n in range(8)
    ]  # fmt: skip


def misheard(text: str, wer: float, dice: random.Random) -> str:
    """Return a text with about this share of its words wrong."""
    heard: list[str] = []
    for word in text.split():
        fate = dice.random() / max(wer, 1e-9)
        heard += [dice.choice(WORDS)] if fate < 0.6 else [] if fate < 0.8 else [word, "oh"] if fate < 1 else [word]
    return " ".join(heard)


def write(path: Path, value: Any) -> None:
    """Write JSON."""
    path.write_text(json.dumps(value))


def lines(path: Path, records: list[dict[str, Any]]) -> None:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
