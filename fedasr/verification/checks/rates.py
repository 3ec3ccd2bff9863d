"""Word and character error rates and their intervals: from the hypotheses, where they are there."""

from __future__ import annotations

from collections.abc import Iterator

from fedasr.verification.arithmetic.pooled_rates import rate
from fedasr.verification.evidence import Row
from fedasr.verification.findings import OF_A_SUM, Finding, Scribe
from fedasr.verification.speaker_counts import (
    DECODED,
    GREEDY,
    LEFT_BEHIND,
    NEW,
    NOISY,
    OWN,
    Recounted,
    plain,
    together,
)

CHECK = "word errors"
RATES = {
    "wer": (NEW, GREEDY), "wer_decoded": (NEW, DECODED), "own_wer": (OWN, GREEDY),
    "left_behind_wer": (LEFT_BEHIND, GREEDY), "noisy_wer": (NOISY, GREEDY),
}  # fmt: skip
"""Those with an interval."""
BARE_RATES = {"own_wer_decoded": (OWN, DECODED), "noisy_wer_decoded": (NOISY, DECODED)}


def check_rates(row: Row) -> Iterator[Finding]:
    """Compare hypotheses with the errors by speaker, these with the rates, and the rates with their intervals."""
    speakers = Scribe(CHECK, row.folder.name("speakers.json"))
    for decoding, counts in row.recounts.items() if row.heard else ():
        told, found = row.written_counts(NEW, decoding), plain(counts)
        for name in sorted(found.keys() | told.keys()):
            yield speakers.same(f"errors, words of {name}, {decoding}", told.get(name), found.get(name))
    for score in row.scores:
        found_rate = score["errors"] / max(score["words"], 1)
        yield speakers.same(
            f"wer of {score['speaker']}, {score['of']}, {score['decoding']}", score["wer"], found_rate, OF_A_SUM
        )
    yield from _rates(row)
    if row.recounts[GREEDY]:
        yield from _edits(row, together(row.recounts[GREEDY].values()))


def _rates(row: Row) -> Iterator[Finding]:
    scribe = Scribe(CHECK, row.folder.name("row.jsonl"))
    for key, of in {**RATES, **BARE_RATES}.items():
        found = rate([row.counts(*of)])
        told = {key: found.value if found else None}
        if key in RATES:
            told |= {f"{key}_low": found.low if found else None, f"{key}_high": found.high if found else None}
        for name, value in told.items():
            yield scribe.same(name, row.record[name], value, OF_A_SUM)


def _edits(row: Row, counts: Recounted) -> Iterator[Finding]:
    """Insertions, deletions and substitutions of a best alignment: which one is not told, so within what all have."""
    scribe, record = Scribe(CHECK, row.folder.name("row.jsonl")), row.record
    words, characters = counts.words, counts.characters
    insertions, deletions, substitutions = (record[key] for key in ("insertions", "deletions", "substitutions"))
    yield scribe.same("insertions + deletions + substitutions", insertions + deletions + substitutions, words.errors)
    yield scribe.same("insertions − deletions", insertions - deletions, words.surplus)
    yield scribe.within("substitutions", substitutions, words.least_substitutions, words.most_substitutions)
    yield scribe.same("cer", record["cer"], characters.errors / max(characters.length, 1), OF_A_SUM)
