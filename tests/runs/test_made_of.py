from dataclasses import replace
from pathlib import Path

import pytest
from support.running import tiny_table

from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run
from fedasr.runs.made_of import check_made_of, facts_of, is_sealed, with_seal


def test_a_seal_fits_its_text_alone() -> None:
    text = with_seal('a = 1\nb = "x"\n')
    assert is_sealed(text)
    assert is_sealed("a = 1\n")  # of an earlier version
    for place in range(text.index("#")):
        assert not is_sealed(text[:place] + "§" + text[place + 1 :])


def test_an_edited_experiment_says_what_differs(tiny: Experiment, tmp_path: Path) -> None:
    run = Run.create(tiny, tmp_path / "run")
    row, seed = tiny.rows()[1]
    run.row(row, seed).write_made_of(facts_of(tiny, row, seed, "c", "s"))
    file = run.path / "experiment.toml"
    file.write_text(file.read_text().replace("learning_rate = 0.05", "learning_rate = 0.5"))
    with pytest.raises(UserError, match=r"edited .*training.learning_rate is 0.05 there and 0.5 here.*put it back"):
        Run.open(run.path)


def test_a_row_is_bound_to_its_experiment_its_speech_and_its_start(tmp_path: Path) -> None:
    tiny = Experiment.from_table(tiny_table(corpus={"kind": "manifest", "path": "/here"}))
    run, (row, seed) = Run.create(tiny, tmp_path / "run"), tiny.rows()[1]
    folder, facts = run.row(row, seed), facts_of(tiny, row, seed, "c", "s")
    check_made_of(folder, facts)  # it has not begun
    folder.write_made_of(facts)
    check_made_of(folder, facts)
    moved = tiny.only(corpus=replace(tiny.corpus, path="/elsewhere"))
    check_made_of(folder, facts_of(moved, row, seed, "c", "s"))
    slower = tiny.only(training=replace(tiny.training, learning_rate=0.5))
    for other, told in (
        (facts_of(slower, row, seed, "c", "s"), "training.learning_rate is 0.05 there and 0.5 here"),
        (facts_of(tiny, row, seed, "d", "s"), "the prepared speech is another"),
        (facts_of(tiny, row, seed, "c", "t"), "the start is another"),
    ):
        with pytest.raises(UserError, match=told):
            check_made_of(folder, other)
