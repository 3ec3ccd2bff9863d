"""Whose speech rows are scored on: new speakers, own speakers, and the silos that the start serves worst."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.forms import benchmark
from support.running import tiny_table

import fedasr
from fedasr.asr.word_errors import ErrorCounts, total
from fedasr.common.files import load_arrays, read_json, write_json
from fedasr.engine.reopen import FinishedRow, reopen
from fedasr.engine.stages import left_behind
from fedasr.engine.stages.left_behind import rank_silos, worst
from fedasr.experiment.experiment import Experiment
from fedasr.grid.in_process import InProcess
from fedasr.report.words.groups import groups
from fedasr.runs.data import DECODED, GREEDY, LEFT_BEHIND, NEW_SPEAKERS, NOISY, OWN_SPEAKERS, RowData, RunData
from fedasr.runs.draw_results import read_results, write_results
from fedasr.runs.reading import read_run
from fedasr.server.scoring import Heard

PRIVATE = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1, "clip_norm": 0.5}}
ROWS = [
    {"name": "public-only", "strategy": "public-only"},
    {"name": "fedavg", "strategy": "fedavg"},
    {"name": "fedper", "strategy": "fedper"},
    {"name": "local-only", "strategy": "local-only"},
    {"name": "private", "strategy": "fedper", **PRIVATE},
]

NOISE = {"test_snr_db": 0.0, "babble_voices": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve silos of five utterances, of whom one is held out, and a start that hears something."""
    corpus = {"speakers": 17, "utterances_per_speaker": 5, "held_out": 0.2, "noise": NOISE}
    learning = {
        "model": {"units": 48, "dropout": 0.0}, "start": {"epochs": 40, "learning_rate": 0.02},
        "training": {"rounds": 1, "local_steps": 3, "learning_rate": 0.3, "silos_per_round": 0},
    }  # fmt: skip
    table = tiny_table(corpus=corpus, compare=ROWS, **learning)
    place = tmp_path_factory.mktemp("scores") / "run"
    found = fedasr.run(Experiment.from_table(table), out=place, grid="process").rows
    assert [row["failure"] for row in found] == [None] * len(ROWS)
    return place


@pytest.fixture(scope="module")
def run(folder: Path) -> RunData:
    return read_run(folder)


@pytest.fixture(scope="module")
def finished(folder: Path) -> FinishedRow:
    return reopen(folder / "fedavg")


def _by_name(run: RunData) -> dict[str, RowData]:
    return {row.name: row for row in run.rows}


def _lines(row: RowData, of: str) -> dict[str, tuple[int, int]]:
    return {s.speaker: (s.errors, s.words) for s in row.speaker_scores if s.of == of}


def _counted(heard: list[Heard]) -> dict[str, tuple[int, int]]:
    found: dict[str, ErrorCounts] = {}
    for one in heard:
        found[one.utterance.speaker] = found.get(one.utterance.speaker, ErrorCounts()) + one.errors
    return {name: (counts.errors, counts.words) for name, counts in found.items()}


def test_a_row_is_scored_on_what_every_silo_holds_out_and_trained_on_none_of_it(
    run: RunData, finished: FinishedRow
) -> None:
    held = finished.prepared.held_out
    names = set(itertools.chain(*finished.prepared.partition.held_out))
    assert [u.id for u in held.utterances] == [u.id for u in finished.prepared.speech.utterances if u.id in names]
    assert len(held) == len(finished.prepared.partition.silos) == 12
    heard = finished.parts().score(finished.model().weights(), held)
    row = _by_name(run)["fedavg"]
    assert _lines(row, OWN_SPEAKERS) == _counted(heard)
    assert row.own_wer == total([one.errors for one in heard]).wer
    assert row.own_wer_low is not None
    assert row.own_wer_high is not None
    assert row.own_wer_low < row.own_wer < row.own_wer_high


def test_every_row_is_scored_on_the_same_own_speakers_and_words(run: RunData) -> None:
    first, *others = (_lines(row, OWN_SPEAKERS) for row in run.rows)
    for lines in others:
        assert {name: words for name, (_, words) in lines.items()} == {n: words for n, (_, words) in first.items()}
    for row in run.rows:
        lines = _lines(row, OWN_SPEAKERS).values()
        assert row.own_wer == pytest.approx(sum(errors for errors, _ in lines) / sum(words for _, words in lines))
        assert not set(_lines(row, NEW_SPEAKERS)) & set(_lines(row, OWN_SPEAKERS))


def test_a_model_of_a_silo_s_own_is_scored_on_its_own_speakers(run: RunData) -> None:
    """Without own layers every silo's own model is the common one; alone each has another."""
    rows = _by_name(run)
    assert _lines(rows["fedper"], OWN_SPEAKERS) == _lines(rows["fedavg"], OWN_SPEAKERS)
    assert _lines(rows["local-only"], OWN_SPEAKERS) != _lines(rows["fedavg"], OWN_SPEAKERS)
    assert rows["public-only"].own_wer != rows["fedavg"].own_wer
    for name in ("fedper", "local-only", "private"):
        scores = rows[name].silo_scores
        assert scores is not None
        assert scores.on == "held out"
        assert {s.speakers[0]: (s.errors, s.words) for s in scores.silos} == _lines(rows[name], OWN_SPEAKERS)


def test_every_row_is_scored_on_test_speech_with_noise_by_the_same_speakers_and_words(
    run: RunData, finished: FinishedRow
) -> None:
    noisy, clean = finished.prepared.noisy_test, finished.prepared.part("test")
    assert [u.text for u in noisy.utterances] == [u.text for u in clean.utterances]
    heard = finished.parts().score(finished.model().weights(), noisy)
    rows = _by_name(run)
    assert sum(_lines(rows["fedavg"], NOISY)[name][0] for name in clean.speakers) == sum(h.errors.errors for h in heard)
    assert rows["fedavg"].noisy_wer == total([one.errors for one in heard]).wer
    for row in run.rows:
        of_noisy, of_clean = _lines(row, NOISY), _lines(row, NEW_SPEAKERS)
        assert {name: words for name, (_, words) in of_noisy.items()} == {
            n: words for n, (_, words) in of_clean.items()
        }
        assert row.noisy_wer == pytest.approx(
            sum(e for e, _ in of_noisy.values()) / sum(w for _, w in of_noisy.values())
        )
    low, wer, high = (getattr(rows["fedavg"], f"noisy_wer{end}") for end in ("_low", "", "_high"))
    assert low < wer < high
    assert _lines(rows["fedavg"], NOISY) != _lines(rows["fedavg"], NEW_SPEAKERS)
    together = {name: (12 * errors, 12 * words) for name, (errors, words) in _lines(rows["fedavg"], NOISY).items()}
    assert _lines(rows["fedper"], NOISY) == together, "twelve silos' own models, all of them the common one"


def test_noisy_test_speech_changes_no_model_and_no_other_score_and_is_decoded(tmp_path: Path) -> None:
    rows = [{"name": "fedavg", "strategy": "fedavg"}, {"name": "local-only", "strategy": "local-only"}]
    found = {}
    for name, noise in (("clean", {}), ("noisy", NOISE)):
        table = tiny_table(corpus={"noise": noise}, compare=rows, decoding={"method": "beam"})
        fedasr.run(Experiment.from_table(table), out=tmp_path / name, grid="process")
        found[name] = read_run(tmp_path / name)
    for was, now in zip(found["clean"].rows, found["noisy"].rows, strict=True):
        assert (was.model_sha256, was.wer, was.wer_decoded) == (now.model_sha256, now.wer, now.wer_decoded)
        assert was.model_sha256 is not None
        assert was.noisy_wer is None
        assert was.speaker_scores == tuple(score for score in now.speaker_scores if score.of != NOISY)
        decoded = [score for score in now.speaker_scores if (score.of, score.decoding) == (NOISY, DECODED)]
        assert now.noisy_wer_decoded == sum(s.errors for s in decoded) / sum(s.words for s in decoded)
    assert found["clean"].partition == found["noisy"].partition
    (result,) = write_results(tmp_path / "noisy", tmp_path / "results", ())
    kept, claim = read_results(result.parent), benchmark("claim")
    from_files, from_run = (groups(data) for data in (claim.run_of("noisy", kept), found["noisy"]))
    for decoding in (GREEDY, DECODED):
        assert [group.rate(NOISY, decoding) for group in from_files] == [g.rate(NOISY, decoding) for g in from_run]
    assert claim.table(from_files, None)[0].startswith(
        "| row | WER %, greedy | WER %, decoded | noisy, greedy | noisy, decoded | "
    )
    assert any("noise: 6 of test speech once more, at 0 dB; 2 public" in line for line in found["noisy"].speech.notes)


def test_those_left_behind_are_the_same_in_every_row_and_the_start_serves_them_worst(
    run: RunData, folder: Path, finished: FinishedRow
) -> None:
    (found,) = run.left_behind
    assert (len(found.silos), found.ranked, found.utterances) == (2, 12, 10)
    prepared = finished.prepared
    start = load_arrays(folder / "start" / "seed-5.safetensors")[0]
    rates = {}
    for silo in range(12):
        speech = prepared.silo_speech(silo, 10)
        assert len(speech) == 4, "what it trains on"
        rates[silo] = total([h.errors for h in finished.parts().score(start, speech)]).wer
    assert len(set(rates.values())) > 2
    behind = sorted(sorted(rates, key=lambda silo: (-rates[silo], silo))[:2])
    assert list(found.silos) == behind
    assert run.partition is not None
    speakers = {speaker for silo in behind for speaker in run.partition.silos[silo].speakers}
    for row in run.rows:
        lines = _lines(row, LEFT_BEHIND)
        assert lines == {name: own for name, own in _lines(row, OWN_SPEAKERS).items() if name in speakers}
        errors, words = (sum(line[place] for line in lines.values()) for place in (0, 1))
        assert row.left_behind_wer == pytest.approx(errors / words)


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        ({3: 1}, (3,)),
        ({0: 1, 1: 1, 2: 1}, (0,)),
        ({n: n == 7 for n in range(10)}, (7,)),
        ({n: n in (4, 9) for n in range(11)}, (4, 9)),
        ({n: n >= 15 for n in range(20)}, (15, 16)),
        ({}, ()),
    ],
)
def test_it_is_a_tenth_at_least_one_and_of_equals_the_first(errors: Mapping[int, int], found: tuple[int, ...]) -> None:
    assert worst({silo: ErrorCounts(substitutions=int(n), words=4) for silo, n in errors.items()}) == found


def test_a_rate_and_not_a_number_of_errors_decides() -> None:
    few, many = ErrorCounts(deletions=2, words=2), ErrorCounts(deletions=9, words=20)
    assert worst({0: many, 1: few}) == (1,)


def test_a_ranking_is_found_again_for_the_same_start_alone(
    folder: Path, finished: FinishedRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ranked(start: Any, path: Path, seed: int = 5) -> tuple[tuple[int, ...], int]:
        found = rank_silos(finished.prepared, seed, start, path, InProcess())
        return found.silos, found.ranked

    start, path = load_arrays(folder / "start" / "seed-5.safetensors")[0], tmp_path / "left-behind.json"
    first = ranked(start, path)
    write_json(path, {**read_json(path), "silos": [11]})
    assert ranked(start, path) == ((11,), 12), "it was read"
    assert ranked({name: 2 * array for name, array in start.items()}, path) != ((11,), 12)
    path.write_text("{")
    assert ranked(start, path) == first
    monkeypatch.setattr(left_behind, "SILOS_SCORED", 3)
    assert ranked(start, tmp_path / "capped.json")[1] == 3
    bare = replace(finished.prepared, partition=replace(finished.prepared.partition, held_out=()))
    assert rank_silos(bare, 5, start, tmp_path / "none.json", InProcess()).silos == ()
