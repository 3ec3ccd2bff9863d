"""Several draws of the speakers in one experiment: whole runs in this process, on recordings of noise."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.forms import benchmark
from support.running import command, tiny_table
from support.sound import manifest, record, row

from fedasr.api import Result, run
from fedasr.common.errors import UserError
from fedasr.common.files import read_json, write_json
from fedasr.comparison.intervals import rate_interval, ratio_interval
from fedasr.engine.admission import resumed
from fedasr.engine.draws import run_draws
from fedasr.engine.reopen import reopen
from fedasr.engine.request import requested
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.training import TrainingSpec
from fedasr.report.words.groups import groups
from fedasr.report.words.whose import left_behind
from fedasr.runs.draw_results import check_results, read_results, write_results
from fedasr.runs.folder import Run
from fedasr.runs.reading import read_run
from fedasr.runs.replayed.exchanges import read_rows

SAID = ("yes no", "no", "yes yes", "go")
ONE = [{"name": "public-only", "strategy": "public-only"}]
COMMAND = ["python", "-m", "fedasr.simulate", "drawn.toml"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine speakers of two recordings each."""
    folder = tmp_path_factory.mktemp("drawn")
    rows = [
        row(f"{speaker}-{take}.wav", speaker=f"s{speaker}", text=SAID[(speaker + take) % 4], duration=0.4)
        for speaker in range(9) for take in range(2)
    ]  # fmt: skip
    for number, one in enumerate(rows):
        record(folder / str(one["audio_filepath"]), seconds=0.4, seed=number)
    return manifest(folder, *rows)


def experiment(corpus: Path, **changes: Any) -> Experiment:
    table = tiny_table(name="drawn", training={"rounds": 1}, **changes)
    table["corpus"] = {
        "kind": "manifest", "path": str(corpus), "public_speakers": 2, "development_speakers": 0, "test_speakers": 3,
        "held_out": 0,
    }  # fmt: skip
    return Experiment.from_table(table)


class KilledError(Exception):
    """The end of a process."""


def killed_in_the_second(one: Experiment, place: Path, goes_on: bool) -> None:
    """Run a draw, as `run_draws` asks, and end before the second."""
    if one.seed == 2:
        raise KilledError
    run(one, **{"resume" if goes_on else "out": place}, grid="process")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def drawn(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Three draws of two rows, in one run."""
    out = tmp_path_factory.mktemp("runs") / "drawn"
    return run(experiment(corpus, draws=[1, 2, 3]), out=out, grid="process")


def test_each_draw_tests_other_speakers_and_all_test_each_once(drawn: Result) -> None:
    testers = [Run.open(drawn.folder / f"draw-{draw}").partition().test.speakers for draw in (1, 2, 3)]  # type: ignore[union-attr]
    assert sorted(name for part in testers for name in part) == [f"s{n}" for n in range(9)]


def test_a_draw_is_the_run_of_its_number(drawn: Result, corpus: Path, tmp_path: Path) -> None:
    """The same bits alone, by its keys, and by ``draws = [2]`` on another day."""
    digests = {(r["name"], r["draw"]): r["model_sha256"] for r in drawn.rows}
    plain = experiment(corpus, seed=2).with_value("corpus.test_fold", 2)
    for alone in (plain, experiment(corpus, draws=[2])):
        found = run(alone, out=tmp_path / f"{len(alone.draws)}", grid="process")
        assert {r["name"]: r["model_sha256"] for r in found.rows} == {
            name: digest for (name, draw), digest in digests.items() if draw == 2
        }
    assert len({digest for (name, _), digest in digests.items() if name == "fedavg"}) == 3


def test_the_page_pools_draws(drawn: Result) -> None:
    data = read_run(drawn.folder)
    assert [row.draw for row in data.rows] == [1, 1, 2, 2, 3, 3]
    one, other = groups(data)
    errors = {
        (name, draw): {s["speaker"]: (s["errors"], s["words"]) for s in json.loads(
            (drawn.folder / f"draw-{draw}" / name / "speakers.json").read_text()) if s["of"] == "new speakers"}
        for name in ("public-only", "fedavg") for draw in (1, 2, 3)
    }  # fmt: skip
    totals = [sum(x[0] for (name, _), part in errors.items() if name == row for x in part.values())
              for row in ("public-only", "fedavg")]  # fmt: skip
    words = sum(x[1] for (name, _), part in errors.items() if name == "fedavg" for x in part.values())
    for group, total in zip((one, other), totals, strict=True):
        wer = group.wer()
        assert wer is not None
        assert wer.value == pytest.approx(total / words)
        assert (wer.draws, wer.trainings, wer.speakers) == (3, 3, 9)
    text = (drawn.folder / "report.html").read_text()
    assert "3 draws" in text
    assert "draws of the speakers" in text


def test_the_page_says_who_is_left_behind_in_each_draw(corpus: Path, tmp_path: Path) -> None:
    holding = experiment(corpus, draws=[1, 2], compare=ONE).with_value("corpus.held_out", 0.5)
    data = read_run(run(holding, out=tmp_path / "run", grid="process").folder)
    assert len(data.left_behind) == 2
    assert left_behind(data).startswith("Left behind: 1 of 4 silos")
    ranked = tuple(replace(found, silos=(silo,)) for silo, found in enumerate(data.left_behind))
    assert "(others for each draw)" in left_behind(replace(data, left_behind=ranked))


def test_a_row_of_a_draw_is_opened_as_any_other(drawn: Result) -> None:
    found = reopen(drawn.folder / "draw-3" / "fedavg")
    assert found.summary.seed == 3
    assert found.model() is not None
    with pytest.raises(UserError, match="several draws; name a row of one, such as draw-1/"):
        reopen(drawn.folder / "fedavg")


def test_a_replay_is_of_one_draw(drawn: Result) -> None:
    with pytest.raises(UserError, match=r"several draws; name one of them, such as .*draw-1"):
        read_rows(drawn.folder)
    assert [row.name for row in read_rows(drawn.folder / "draw-2")[1]] == ["public-only", "fedavg"]


def test_a_killed_run_goes_on_with_the_draws_that_are_left(drawn: Result, corpus: Path, tmp_path: Path) -> None:
    wanted = experiment(corpus, draws=[1, 2], compare=ONE)
    out = tmp_path / "run"
    with pytest.raises(KilledError):
        run_draws(wanted, None, out, killed_in_the_second)
    assert [path.name for path in sorted(out.glob("draw-*"))] == ["draw-1"]
    before = (out / "draw-1" / "public-only" / "row.jsonl").read_bytes()
    found = run(Run.open(out).experiment, resume=out, grid="process")
    assert [r["model_sha256"] for r in found.rows] == [
        r["model_sha256"] for r in drawn.rows if r["name"] == "public-only" and r["draw"] < 3
    ]
    assert (out / "draw-1" / "public-only" / "row.jsonl").read_bytes() == before


def test_more_rounds_are_had_in_each_draw(corpus: Path, tmp_path: Path) -> None:
    """As in a run of one draw: the same bits as of the run that had them from the beginning."""
    rows = [{"name": "fedavgm", "strategy": "fedavgm", "options": {"momentum": 0.5, "nesterov": True}}, *ONE]
    short, long = (
        experiment(corpus, draws=[1, 2], compare=rows).only(training=TrainingSpec(rounds=rounds, local_steps=1))
        for rounds in (1, 3)
    )
    run(short, out=tmp_path / "more", grid="process")

    with pytest.raises(KilledError):
        run_draws(long, resumed(tmp_path / "more", long), None, killed_in_the_second)
    ended = [(row["draw"], row["name"]) for row in read_json(tmp_path / "more" / "summary.json")["rows"]]
    assert ended == [(draw, name) for draw in (1, 2) for name in ("fedavgm", "public-only")], (
        "nothing is lost meanwhile"
    )
    wanted = requested(None, None, [], [], [], tmp_path / "more")
    assert wanted.training.rounds == 3, "an extension that was interrupted is remembered"
    found = run(wanted, resume=tmp_path / "more", grid="process")
    whole = run(long, out=tmp_path / "whole", grid="process")
    keys = ("name", "draw", "rounds", "model_sha256", "wer", "uplink_bytes")
    assert [[row[key] for key in keys] for row in found.rows] == [[row[key] for key in keys] for row in whole.rows]
    assert [row["rounds"] for row in found.rows if row["name"] == "fedavgm"] == [3, 3]


def test_more_rounds_that_are_refused_change_nothing(corpus: Path, tmp_path: Path) -> None:
    """By other speech, or by a draw that has had more already."""
    rows = [{"name": "fedavg", "strategy": "fedavg"}]
    begun = experiment(corpus, draws=[1, 2], compare=rows)
    more, most = (begun.only(training=replace(begun.training, rounds=rounds)) for rounds in (2, 3))
    out, other = tmp_path / "run", tmp_path / "other"
    run(begun, out=out, grid="process")
    before = (out / "experiment.toml").read_bytes()
    shutil.copytree(corpus.parent, other)
    record(next(other.glob("*.wav")), seconds=0.4, seed=99)
    with pytest.raises(UserError, match="speech"):
        run(more.only(corpus=replace(more.corpus, path=str(other / corpus.name))), resume=out, grid="process")
    assert (out / "experiment.toml").read_bytes() == before
    run(most.of_draw(2), resume=out / "draw-2", grid="process")
    with pytest.raises(UserError, match="draw-2: the draw belongs to another experiment"):
        run(more, resume=out, grid="process")
    assert (out / "experiment.toml").read_bytes() == before
    assert [row["rounds"] for row in run(most, resume=out, grid="process").rows] == [3, 3]


def test_a_protected_row_of_any_draw_keeps_its_rounds(corpus: Path, tmp_path: Path) -> None:
    private = [{"name": "private", "strategy": "dp-fedavg", "options": {"epsilon": 8.0, "clip_norm": 0.3}}]
    begun = experiment(corpus, draws=[1, 2], compare=private)
    run(begun, out=tmp_path / "run", grid="process")
    before = {path: path.read_bytes() for path in sorted((tmp_path / "run").rglob("*.*")) if path.is_file()}
    with pytest.raises(UserError, match="a protected row's number of rounds is part of its guarantee"):
        run(begun.only(training=replace(begun.training, rounds=4)), resume=tmp_path / "run", grid="process")
    after = {path: path.read_bytes() for path in sorted((tmp_path / "run").rglob("*.*")) if path.is_file()}
    assert after == before


def test_a_later_draw_that_cannot_be_run_is_refused_before_the_first(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "fedasr.engine.admission.unfit", lambda corpus: ["does not fit"] if corpus.experiment.seed == 3 else []
    )
    with pytest.raises(UserError, match="does not fit"):
        run(experiment(corpus, draws=[1, 2, 3], compare=ONE), out=tmp_path / "run", grid="process")
    assert not (tmp_path / "run").exists()


def test_seeds_of_a_draw_share_its_speech_and_no_dice(corpus: Path) -> None:
    one, other = (experiment(corpus, draws=[1, 2], seeds=[1, 2]).of_draw(draw) for draw in (1, 2))
    seeds = [seed for part in (one, other) for _, seed in part.rows()]
    assert len(set(seeds)) == 4, "no two trainings share dice"
    assert (one.seed, other.seed) == (1, 2)


def test_one_seed_beside_draws_takes_no_effect(corpus: Path, tmp_path: Path) -> None:
    file = tmp_path / "drawn.toml"
    file.write_text(experiment(corpus, draws=[1, 2]).to_toml())
    with pytest.raises(UserError, match="--seed 5 takes no effect"):
        requested(str(file), None, [], [], [5], None)
    assert requested(str(file), None, [], [], [], None, [2]).draws == (2,)
    assert requested(str(file), None, [], [], [1, 2], None).seeds == (1, 2)


def test_by_the_command_line(corpus: Path, tmp_path: Path) -> None:
    file, results = tmp_path / "drawn.toml", tmp_path / "results"
    wanted = experiment(corpus, draws=[1, 2], compare=ONE).with_value("training.gradient_norm", math.inf)
    file.write_text(wanted.to_toml())
    options = ("--draw", 2, "--grid", "process", "--out", tmp_path / "run", "--results", results)
    done = command("fedasr.simulate", file, *options)
    assert done.code == 0, done.err
    assert [path.name for path in results.iterdir()] == ["draw-2.json"]
    text = (results / "draw-2.json").read_text()
    assert json.loads(text)["command"][3:6] == [file.name, "--draw", "2"]
    assert str(tmp_path) not in text
    assert "Infinity" not in text, "no JSON"
    (result,) = read_results(results)
    assert result.experiment.training.gradient_norm == math.inf


@pytest.mark.parametrize(("changes", "words"), [
    ({"draws": [1, 1]}, "names a draw twice"),
    ({"draws": [0]}, "draws"),
    ({"draws": [1], "seeds": [1000]}, "below 1000"),
])  # fmt: skip
def test_draws_that_cannot_be_are_refused(corpus: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        experiment(corpus, **changes)


def test_a_fold_beside_draws_and_a_fold_of_nothing_are_refused(corpus: Path) -> None:
    with pytest.raises(UserError, match="is what 'draws' sets"):
        experiment(corpus, draws=[1]).with_value("corpus.test_fold", 1)
    with pytest.raises(UserError, match="takes no effect"):
        Experiment.from_table(tiny_table(corpus={"test_fold": 1}))


def test_a_draw_that_is_refused_leaves_no_folder(corpus: Path, tmp_path: Path) -> None:
    wanted = experiment(corpus, draws=[1, 2]).with_value("corpus.public_speakers", 6)
    with pytest.raises(UserError, match="too few"):
        run(wanted, out=tmp_path / "run", grid="process")
    assert not (tmp_path / "run").exists()


def test_rendered_draws_are_other_people_of_the_same_names(tmp_path: Path) -> None:
    table = tiny_table(compare=ONE, draws=[1, 2])
    found = run(Experiment.from_table(table), out=tmp_path / "run", grid="process")
    wer = groups(read_run(found.folder))[0].wer()
    assert wer is not None
    assert wer.speakers == 4


@pytest.fixture
def results(drawn: Result, tmp_path: Path) -> Path:
    write_results(drawn.folder, tmp_path / "drawn", COMMAND)
    return tmp_path / "drawn"


def test_results_hold_what_a_table_needs(drawn: Result, results: Path) -> None:
    """A claim's numbers from the files are those of the run's page."""
    assert sorted(path.name for path in results.iterdir()) == ["draw-1.json", "draw-2.json", "draw-3.json"]
    assert max(path.stat().st_size for path in results.iterdir()) < 30_000
    read = read_results(results)
    claim = benchmark("claim")
    from_files, from_run = groups(claim.run_of("drawn", read)), groups(read_run(drawn.folder))
    for one, other in zip(from_files, from_run, strict=True):
        assert rate_interval(one.tested()) == rate_interval(other.tested())
    assert ratio_interval(from_files[0].tested(), from_files[1].tested()) == ratio_interval(
        from_run[0].tested(), from_run[1].tested()
    )
    lines = claim.table(from_files, "public-only")
    wer = from_run[1].wer()
    assert wer is not None
    assert f"| fedavg | {100 * wer.value:.1f}" in "\n".join(lines)
    first = json.loads((results / "draw-1.json").read_text())
    assert first["command"] == COMMAND
    assert {"processor", "torch", "sources"} <= set(first["environment"])


def test_draws_of_different_days_make_the_same_claim(
    drawn: Result, corpus: Path, results: Path, tmp_path: Path
) -> None:
    found = run(experiment(corpus, draws=[2]), out=tmp_path / "later", grid="process")
    before = read_results(results)
    (results / "draw-2.json").unlink()
    write_results(found.folder, results, COMMAND)
    after = read_results(results)
    assert [[r.speaker_scores for r in one.rows] for one in before] == [
        [r.speaker_scores for r in one.rows] for one in after
    ]


def test_results_of_other_settings_are_refused(corpus: Path, results: Path) -> None:
    other = experiment(corpus, draws=[4]).with_value("training.learning_rate", 0.01)
    with pytest.raises(UserError, match=r"other settings \(training.learning_rate is 0.05 there and 0.01 here\)"):
        check_results(results, other)
    path = results / "draw-2.json"
    altered = read_json(path)
    altered["experiment"]["training"]["learning_rate"] = 0.01
    write_json(path, altered)
    with pytest.raises(UserError, match="not those of its digest"):
        read_results(results)
    with pytest.raises(UserError, match="is a file"):
        check_results(path, other)


def test_a_result_from_before_a_setting_was_there_is_as_good(results: Path) -> None:
    """What was written is held to its digest; a setting that is new since has its default."""
    before, path = read_results(results), results / "draw-2.json"
    older = read_json(path)
    del older["experiment"]["training"]["batch_seconds"], older["experiment"]["model"]["subsampling"]
    written = json.dumps(older["experiment"], sort_keys=True).encode()
    write_json(path, {**older, "settings_sha256": hashlib.sha256(written).hexdigest()})
    assert read_results(results) == before


@pytest.mark.parametrize("spoil", ["torn", "twice", "empty", "no rows"])
def test_results_that_are_none_are_told_in_a_line(results: Path, spoil: str) -> None:
    path = results / "draw-1.json"
    if spoil == "torn":
        path.write_text(path.read_text()[:100])
    elif spoil == "twice":
        (results / "draw-7.json").write_text(path.read_text())
    elif spoil == "no rows":
        write_json(path, {**read_json(path), "rows": [{"name": "x", "errors": [[1]]}]})
    else:
        for one in results.iterdir():
            one.unlink()
    with pytest.raises(UserError) as refused:
        read_results(results)
    assert len(refused.value.lines) == 1
