"""What was said against what was heard, word by word, in a few telling utterances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jiwer

from fedasr.report.words.groups import Group, groups
from fedasr.runs.data import HypothesisData, RunData

PERFECT_EXAMPLES = 2


@dataclass(frozen=True)
class Word:
    """One step of an alignment; ``kind`` is correct, substitution, deletion or insertion."""

    kind: str
    said: str
    heard: str


@dataclass(frozen=True)
class Line:
    """What one row heard in an utterance."""

    row: str
    words: tuple[Word, ...]

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return sum(word.kind != "correct" for word in self.words)


@dataclass(frozen=True)
class Example:
    """One test utterance as all rows heard it; ``chosen`` says what it is an example of."""

    id: str
    speaker: str
    reference: str
    chosen: tuple[str, ...]
    lines: tuple[Line, ...]


def align(reference: str, hypothesis: str) -> tuple[Word, ...]:
    """Align two texts word by word at the least number of errors."""
    said, heard = reference.split(), hypothesis.split()
    if not said:
        return tuple(Word("insertion", "", word) for word in heard)
    if not heard:
        return tuple(Word("deletion", word, "") for word in said)
    words: list[Word] = []
    for chunk in jiwer.process_words(" ".join(said), " ".join(heard)).alignments[0]:
        there = said[chunk.ref_start_idx : chunk.ref_end_idx]
        here = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        kind = {"equal": "correct", "substitute": "substitution", "insert": "insertion", "delete": "deletion"}
        length = max(len(there), len(here))
        pairs = zip(there or [""] * length, here or [""] * length, strict=True)
        words.extend(Word(kind[chunk.type], one, other) for one, other in pairs)
    return tuple(words)


def examples(data: RunData, most: int = 12) -> list[Example]:
    """Return the worst, the median and some perfect utterances of each row, as every row heard them.

    The choice depends on the hypotheses alone; where there are several seeds, the first that has any counts.
    """
    heard = {group.name: heard for group in groups(data) if (heard := _heard(group))}
    lines = {name: {key: _line(name, item) for key, item in items.items()} for name, items in heard.items()}
    reasons: dict[str, list[str]] = {}
    wishes = [_wishes(name, items) for name, items in lines.items()]
    for wish in (row[rank] for rank in range(2 + PERFECT_EXAMPLES) for row in wishes):
        if wish and (wish[0] in reasons or len(reasons) < most):
            reasons.setdefault(wish[0], []).append(wish[1])
    return [_example(key, reasons[key], heard, lines) for key in reasons]


def _heard(group: Group) -> dict[str, HypothesisData]:
    first = next((row.hypotheses for row in group.rows if row.hypotheses), ())
    return {hypothesis.id: hypothesis for hypothesis in first}


def _line(name: str, hypothesis: HypothesisData) -> Line:
    return Line(name, align(hypothesis.reference, hypothesis.hypothesis))


def _wishes(name: str, lines: Mapping[str, Line]) -> list[tuple[str, str] | None]:
    """The worst, the median and the longest perfect utterances of a row, each with the reason."""
    ranked = sorted(lines, key=lambda key: (-_rate(lines[key]), key))
    perfect = sorted((key for key in lines if not lines[key].errors), key=lambda key: (-len(lines[key].words), key))
    worst = (ranked[0], f"worst of {name}") if lines[ranked[0]].errors else None
    median = (ranked[(len(ranked) - 1) // 2], f"median of {name}")
    right: list[tuple[str, str] | None] = [(key, f"all right in {name}") for key in perfect[:PERFECT_EXAMPLES]]
    return [worst, median, *right, *[None] * (PERFECT_EXAMPLES - len(right))]


def _rate(line: Line) -> float:
    return line.errors / max(1, sum(word.kind != "insertion" for word in line.words))


def _example(
    key: str,
    reasons: list[str],
    heard: Mapping[str, Mapping[str, HypothesisData]],
    lines: Mapping[str, Mapping[str, Line]],
) -> Example:
    item = next(items[key] for items in heard.values() if key in items)
    shown = tuple(items[key] for items in lines.values() if key in items)
    return Example(key, item.speaker, item.reference, tuple(reasons), shown)
