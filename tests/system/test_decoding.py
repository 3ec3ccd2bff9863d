"""Decoding in whole runs: learnt, weighed, scored, kept beside the model, and refused where the text is not public."""

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from support.running import tiny_table
from typer.testing import CliRunner

import fedasr
from fedasr.asr.decoding.ngram import learn_ngram
from fedasr.common.files import read_lines
from fedasr.engine.preparation import prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.evaluate import app as evaluate
from fedasr.experiment.experiment import Experiment
from fedasr.runs.decoder_file import load_decoder
from fedasr.runs.row_folder import RowFolder
from fedasr.simulate import app as simulate

DIGITS = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
PATE = {
    "name": "pate", "strategy": "pate",
    "options": {
        "votes": "utterance", "proposals": "decoded", "noise": 0.1, "candidates": 3, "epsilon": 1e6, "teacher_steps": 1
    },
}  # fmt: skip

NOISE = {"clip_norm": 1.0, "noise_multiplier": 1.0}


def _table(**changes: Any) -> dict[str, Any]:
    rows = [
        {"name": "public-only", "strategy": "public-only"},
        {"name": "local-only", "strategy": "local-only", "options": {"steps": 1}},
        PATE,
    ]
    own = {
        "corpus": {"speakers": 10, "unlabelled_speakers": 1}, "start": {"epochs": 20, "learning_rate": 5e-3},
        "central": {"epochs": 1}, "decoding": {"method": "lexicon"}, "compare": rows,
    }  # fmt: skip
    return tiny_table(**{**own, **changes})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> fedasr.Result:
    folder = tmp_path_factory.mktemp("decoding") / "run"
    return fedasr.run(Experiment.from_table(_table()), out=folder, grid="process")


def test_every_row_is_scored_greedily_and_decoded(finished: fedasr.Result) -> None:
    assert [row["status"] for row in finished.rows] == ["finished"] * 3
    for row in finished.rows:
        lines = json.loads((finished.folder / row["folder"] / "speakers.json").read_text())
        for name, decoding in (("wer", "greedy"), ("wer_decoded", "decoded")):
            scores = [line for line in lines if line["decoding"] == decoding]
            assert len(scores) == 2
            together = sum(line["errors"] for line in scores) / sum(line["words"] for line in scores)
            assert row[name] == pytest.approx(together)
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
        assert row["wer_decoded"] < row["wer"], "a hundred known words, and it spells no better"


def test_what_is_decoded_are_words_of_public_text(finished: fedasr.Result) -> None:
    lines = read_lines(finished.folder / "public-only" / "hypotheses.jsonl")
    assert {word for line in lines for word in line["decoded"].split()} <= DIGITS
    assert any(word not in DIGITS for line in lines for word in line["hypothesis"].split())
    decoder = load_decoder(finished.folder / "decoder.safetensors")
    about = json.loads((finished.folder / "decoding.json").read_text())
    assert decoder.ngram is not None
    assert about["words"] == len(decoder.ngram.words)
    assert about["public_sentences"] == 6
    assert "3 utterances of 1 development speakers" in about["weighed"]


def test_the_decoder_lies_beside_each_model_and_evaluate_uses_it(finished: fedasr.Result) -> None:
    row, folder = finished.rows[0], finished.folder / "public-only"
    assert load_decoder(folder / "decoder.safetensors") == load_decoder(finished.folder / "decoder.safetensors")
    scores = fedasr.evaluate(folder)
    assert {name: scores[name] for name in ("wer", "wer_decoded", "wer_decoded_high")} == {
        name: row[name] for name in ("wer", "wer_decoded", "wer_decoded_high")
    }
    heard = read_lines(folder / "hypotheses.jsonl")
    assert [line["decoded"] for line in scores["hypotheses"]] == [line["decoded"] for line in heard]
    assert "wer_decoded" not in fedasr.evaluate(folder, decoding="greedy")
    other = fedasr.evaluate(folder, decoding=finished.folder / "pate")
    assert other["wer_decoded"] == row["wer_decoded"]
    told = CliRunner().invoke(evaluate, [str(folder)]).output
    assert f"decoded: WER {row['wer_decoded']:.1%}" in told


def test_a_decoder_that_is_none_is_one_line(finished: fedasr.Result, refused_by: Any) -> None:
    folder = finished.folder / "public-only"
    for path, said in (("nowhere", "no such file"), (folder / "model.safetensors", "not a decoder")):
        assert said in refused_by(evaluate, [str(folder), "--decoding", str(path)])


def test_the_page_tells_both_and_how(finished: fedasr.Result) -> None:
    page = (finished.folder / "report.html").read_text()
    row = finished.rows[0]
    assert f"decoded {100 * row['wer_decoded']:.1f}" in page
    assert "6 transcripts of public speech" in page
    assert "outside the lexicon" in page


def test_teachers_vote_among_what_was_decoded(finished: fedasr.Result) -> None:
    votes = json.loads((finished.folder / "pate" / "votes.json").read_text())
    assert votes["transcribed"] > 0
    assert votes["mechanism"]


def test_a_resumed_run_needs_no_text_any_more(finished: fedasr.Result, tmp_path: Path) -> None:
    """The decoder is the run's from the first row on: a text that has changed since changes nothing."""
    text = tmp_path / "text.txt"
    text.write_text("one two\nnine nine\n")
    table = _table(decoding={"method": "lexicon", "text": str(text)}, compare=_table()["compare"][:1])
    first = fedasr.run(Experiment.from_table(table), out=tmp_path / "run", grid="process")
    text.unlink()
    row = RowFolder(first.folder / "public-only")
    (row.path / "row.jsonl").unlink()
    again = fedasr.run(Experiment.from_table(table), resume=first.folder, grid="process")
    assert again.rows[0]["wer_decoded"] == first.rows[0]["wer_decoded"]
    assert json.loads((first.folder / "decoding.json").read_text())["more_sentences"] == 2


@pytest.fixture
def refused_by() -> Any:
    def call(app: Any, arguments: list[str]) -> str:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2, result.output
        assert len(result.output.strip().splitlines()) == 1, result.output
        return result.output

    return call


def _transcripts(part: str) -> list[str]:
    """The transcripts of a part, from what is written of the run."""
    prepared = prepare_experiment(Experiment.from_table(_table()), 1, Watcher())
    if part == "silos":
        return [u.text for n in range(len(prepared.partition.silos)) for u in prepared.silo_speech(n, 9).utterances]
    return [u.text for u in prepared.part(part).utterances]


@pytest.mark.parametrize("part", ["silos", "test", "development"])
@pytest.mark.parametrize(
    "private",
    [
        {"strategy": "pate", "options": {"votes": "utterance"}},
        {"strategy": "centralised", "protection": "dp-sgd",
         "protection_options": {"noise_multiplier": 1.0, "batch_size": 2}},
        {"strategy": "fedavg", "protection": "silo-noise", "protection_options": NOISE},
        {"strategy": "dp-fedavg", "options": NOISE},
    ],
    ids=lambda row: row.get("protection", row["strategy"]),
)  # fmt: skip
def test_text_of_silos_and_of_those_who_are_scored_is_refused_beside_an_epsilon(
    tmp_path: Path, refused_by: Any, part: str, private: dict[str, Any]
) -> None:
    text, file = tmp_path / "text.txt", tmp_path / "e.toml"
    text.write_text("something else entirely\n" + _transcripts(part)[0].upper() + ".\n")
    rows = [{"name": "public-only", "strategy": "public-only"}, {"name": "private", **private}]
    file.write_text(tomli_w.dumps(_table(decoding={"method": "lexicon", "text": str(text)}, compare=rows)))
    line = refused_by(simulate, [str(file), "--grid", "process", "--out", str(tmp_path / "out")])
    assert "decoding.text" in line
    assert "'private'" in line
    assert "of its 2 sentences 1 are transcripts of" in line
    assert not (tmp_path / "out").exists()


def test_silos_text_is_named_on_the_page_where_nothing_is_promised(tmp_path: Path) -> None:
    table = _table(
        decoding={"method": "lexicon", "text": "silos"}, compare=[{"name": "public-only", "strategy": "public-only"}]
    )
    result = fedasr.run(Experiment.from_table(table), out=tmp_path / "run", grid="process")
    about = json.loads((result.folder / "decoding.json").read_text())
    assert about["more_sentences"] == 12
    assert "12 are transcripts of silos" in about["whose"]
    assert "Not all of that text is public" in (result.folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decoding": {"method": "lexicon", "text": "nowhere.txt"}}, "decoding.text: "),
        ({"decoding": {"method": "greedy", "text": "a.txt"}}, "takes no effect"),
        ({"decoding": {"method": "beam", "order": 2}}, "takes no effect"),
        ({"decoding": {"method": "greedy", "beam": 2}}, "takes no effect"),
        ({"decoding": {"method": "lexicon", "word_bonus": 2}}, "set both, or neither"),
        ({"decoding": {"method": "lexikon"}}, "did you mean"),
        ({"decoding": {}, "compare": [PATE]}, "set decoding.method"),
        (
            {"corpus": {"public_speakers": 0}, "model": {"start": "scratch"}},
            "there is no public unlabelled speech",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(tmp_path: Path, refused_by: Any, change: dict[str, Any], said: str) -> None:
    table = _table(**change) if "decoding" not in change else {**_table(**change), "decoding": change["decoding"]}
    file = tmp_path / "e.toml"
    file.write_text(tomli_w.dumps(table))
    line = refused_by(simulate, [str(file), "--grid", "process", "--out", str(tmp_path / "out")])
    assert said in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00"], ids=["empty", "blank", "no text"])
def test_a_text_that_is_none_is_one_line(tmp_path: Path, refused_by: Any, content: bytes) -> None:
    (tmp_path / "text.txt").write_bytes(content)
    file = tmp_path / "e.toml"
    file.write_text(tomli_w.dumps(_table(decoding={"method": "lexicon", "text": str(tmp_path / "text.txt")})))
    line = refused_by(simulate, [str(file), "--grid", "process", "--out", str(tmp_path / "out")])
    assert "text.txt" in line


def test_the_ngram_is_of_public_text_alone(finished: fedasr.Result) -> None:
    decoder = load_decoder(finished.folder / "decoder.safetensors")
    public = learn_ngram(_transcripts("public_labelled"), 3)
    assert decoder.ngram is not None
    assert [lines.tolist() for lines in decoder.ngram.grams] == [lines.tolist() for lines in public.grams]
