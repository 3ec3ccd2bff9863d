"""Count again, from the raw manifest, what a finished run says of its speech and of its errors.

python benchmarks/recount.py runs/an4-1 ../shared/data/an4/manifest.jsonl

Neither fedasr nor jiwer is imported. WER, CER, hours, speakers and utterances of every part must be equal; hours are
those of the FLAC files' headers, since manifests round them. Where the model hears another rate than the file's, a
length is rounded by up to half a sample, so a part's seconds may differ by as much an utterance. An
alignment of least errors is seldom the only one: a substitution beside a match may also be a deletion and an insertion
elsewhere. So the sum of errors, insertions less deletions (the words that a hypothesis has more) and the least and most
substitutions of any best alignment are counted; the run's split must lie there. The exit code is 1 where it does not.
"""

from __future__ import annotations

import argparse
import json
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

PARTS = ("public_labelled", "public_unlabelled", "development", "test")


@dataclass(frozen=True)
class Line:
    """What the manifest says of one utterance."""

    id: str
    speaker: str
    text: str
    stated_seconds: float
    samples: int
    rate_hz: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate_hz

    def rounding_seconds(self, rate_hz: int) -> float:
        """Half a sample, where the model hears another rate."""
        return 0.5 / rate_hz if rate_hz != self.rate_hz else 0.0


@dataclass(frozen=True)
class Recounted:
    """Errors, and within what the split of them lies."""

    errors: int = 0
    least_substitutions: int = 0
    most_substitutions: int = 0
    surplus: int = 0
    words: int = 0
    character_errors: int = 0
    characters: int = 0

    def __add__(self, other: Recounted) -> Recounted:
        return Recounted(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def read_lines(manifest: Path) -> dict[str, Line]:
    """Return the utterances of a manifest by their ids."""
    found = {}
    for row in _json_lines(manifest):
        name = str(row.get("id") or row["audio_filepath"])
        text = " ".join(unicodedata.normalize("NFC", row["text"].lower()).split())
        extent = flac_extent(manifest.parent / row["audio_filepath"])
        found[name] = Line(name, str(row["speaker"]), text, float(row["duration"]), *extent)
    return found


def flac_extent(path: Path) -> tuple[int, int]:
    """Return the samples and the rate that a FLAC file states: 20 bits of rate, 8 of others, 36 of samples."""
    with path.open("rb") as stream:
        head = stream.read(26)
    if head[:4] != b"fLaC":
        raise SystemExit(f"{path}: not FLAC; the recount reads lengths of FLAC files only")
    packed = int.from_bytes(head[18:26], "big")
    return packed & (1 << 36) - 1, packed >> 44


def distance(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[int, int, int]:
    """Return Levenshtein's distance, and the least and most substitutions of an alignment that has it."""
    # A cell: errors, least and most substitutions of the two beginnings.
    above = [(column, 0, 0) for column in range(len(hypothesis) + 1)]
    for row, one in enumerate(reference, start=1):
        cells = [(row, 0, 0)]
        for column, other in enumerate(hypothesis, start=1):
            cells.append(_best(above[column - 1], above[column], cells[-1], one != other))
        above = cells
    return above[-1]


def _best(
    diagonal: tuple[int, int, int], up: tuple[int, int, int], left: tuple[int, int, int], differ: bool
) -> tuple[int, int, int]:
    ways = [tuple(value + differ for value in diagonal), (up[0] + 1, *up[1:]), (left[0] + 1, *left[1:])]
    least = min(way[0] for way in ways)
    best = [way for way in ways if way[0] == least]
    return least, min(way[1] for way in best), max(way[2] for way in best)


def recount(reference: str, hypothesis: str) -> Recounted:
    """Return the errors of one hypothesis."""
    words, heard = reference.split(), hypothesis.split()
    errors, least, most = distance(words, heard)
    characters, _, _ = distance(reference, hypothesis)
    return Recounted(errors, least, most, len(heard) - len(words), len(words), characters, len(reference))


def told_extents(
    partition: dict[str, Any], corpus: dict[str, Any], everybody: set[str]
) -> list[tuple[str, dict[str, Any], set[str]]]:
    """Return each place where a run says how much speech there is, what it says, and whose speech it is."""
    parts = {name: partition[name] for name in PARTS} | {f"silo {s['silo']}": s for s in partition["silos"]}
    held = {name: set(part["speakers"]) for name, part in parts.items()}
    told = [(name, part, held[name]) for name, part in parts.items()]
    held["silos"] = {speaker for silo in partition["silos"] for speaker in silo["speakers"]}
    told += [(f"{name} in corpus.json", extent, held[name]) for name, extent in corpus["parts"].items()]
    return [*told, ("all in corpus.json", corpus["corpora"]["corpus"]["extent"], everybody)]


def compare_speech(told: list[tuple[str, dict[str, Any], set[str]]], lines: list[Line], rate_hz: int) -> Iterator[str]:
    """Yield where speakers, utterances or lengths are not the manifest's."""
    for name, extent, speakers in told:
        held = [line for line in lines if line.speaker in speakers]
        who = extent["speakers"] if isinstance(extent["speakers"], int) else len(extent["speakers"])
        if (who, extent["utterances"]) != (len({line.speaker for line in held}), len(held)):
            yield f"{name}: {who} speakers, {extent['utterances']} utterances, but counted {len(held)} of {speakers}"
        found, unit, last_digit = (extent["hours"], 3600, 5e-7) if "hours" in extent else (extent["seconds"], 1, 5e-4)
        rounded = sum(line.rounding_seconds(rate_hz) for line in held) / unit
        counted = sum(line.seconds for line in held) / unit
        if abs(found - counted) > 1.001 * last_digit + (0 if name.startswith("all") else rounded):
            yield f"{name}: length {found}, counted {counted:.6f}"


def compare_row(row: dict[str, Any], heard: Sequence[dict[str, Any]], test: Sequence[Line]) -> Iterator[str]:
    """Yield where a row of the summary is not what its hypotheses give against the manifest's texts."""
    if {line.id for line in test} != {one["id"] for one in heard} or len(test) != len(heard):
        yield "the hypotheses are not of the test speakers' utterances, each once"
        return
    texts = {line.id: line.text for line in test}
    yield from (
        f"{one['id']}: reference is not the manifest's" for one in heard if one["reference"] != texts[one["id"]]
    )
    sums = sum((recount(texts[one["id"]], one["hypothesis"]) for one in heard), Recounted())
    print(f"  {sums}")
    insertions, deletions, substitutions = row["insertions"], row["deletions"], row["substitutions"]
    checks = {
        f"wer {row['wer']}": row["wer"] == sums.errors / sums.words,
        f"cer {row['cer']}": row["cer"] == sums.character_errors / sums.characters,
        f"errors {insertions + deletions + substitutions}": insertions + deletions + substitutions == sums.errors,
        f"insertions less deletions {insertions - deletions}": insertions - deletions == sums.surplus,
        f"substitutions {substitutions}": sums.least_substitutions <= substitutions <= sums.most_substitutions,
    }
    yield from (f"{said}, but counted {sums}" for said, holds in checks.items() if not holds)


def compare_run(run: Path, manifest: Path) -> list[str]:
    """Return in how many ways a run and its manifest differ, a line each."""
    lines = read_lines(manifest)
    partition = json.loads((run / "partition.json").read_text(encoding="utf-8"))
    seconds, stated = (sum(getattr(u, key) for u in lines.values()) for key in ("seconds", "stated_seconds"))
    speakers = {line.speaker for line in lines.values()}
    print(f"{manifest}: {seconds:.3f} s ({stated:.3f} stated), {len(lines)} utterances, {len(speakers)} speakers")
    corpus = json.loads((run / "corpus.json").read_text(encoding="utf-8"))
    rate_hz = tomllib.loads((run / "experiment.toml").read_text(encoding="utf-8"))["model"]["sample_rate_hz"]
    told = told_extents(partition, corpus, speakers)
    wrong = list(compare_speech(told, list(lines.values()), rate_hz))
    shares = [who for name, _, who in told if not name.endswith("corpus.json")]
    if sum(map(len, shares)) != len(set().union(*shares)):
        wrong.append("a speaker is in two parts")
    test = [line for line in lines.values() if line.speaker in set(partition["test"]["speakers"])]
    for row in json.loads((run / "summary.json").read_text(encoding="utf-8"))["rows"]:
        if row["status"] != "finished":
            continue
        keys = ("insertions", "deletions", "substitutions")
        print(
            f"{row['folder']}: WER {row['wer']:.4f}, CER {row['cer']:.4f}, " + ", ".join(f"{k} {row[k]}" for k in keys)
        )
        heard = list(_json_lines(run / row["folder"] / "hypotheses.jsonl"))
        wrong += [f"{row['folder']}: {line}" for line in compare_row(row, heard, test)]
    return wrong


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="\n") as stream:
        yield from (json.loads(line) for line in stream if line.strip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("manifest", type=Path)
    arguments = parser.parse_args()
    wrong = compare_run(arguments.run, arguments.manifest)
    print("\n".join(wrong) or "equal")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
