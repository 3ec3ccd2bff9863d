"""``fedasr.evaluate`` and ``fedasr.transcribe``, as commands and as functions."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.running import Finished, Refused, Simulated
from support.sound import manifest as make_manifest
from support.sound import manifest as write_manifest
from support.sound import record, row
from support.toy_recognisers import recogniser

import fedasr
import fedasr.api
import fedasr.transcribe
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import learn_characters
from fedasr.common.console import echo_json
from fedasr.common.errors import UserError
from fedasr.corpora.columns import Columns
from fedasr.corpora.synthetic import synthetic_corpus
from fedasr.corpora.text import AS_READ, NORMALISED, RULES
from fedasr.corpora.utterance import Utterance
from fedasr.evaluate import app
from fedasr.runs.model_file import load_model, save_model

KEYS = [
    "wer", "wer_low", "wer_high", "cer", "insertions", "deletions", "substitutions", "utterances", "hypotheses",
]  # fmt: skip


@pytest.fixture(scope="module")
def model(simulated: Callable[..., Simulated]) -> Path:
    return simulated("--grid", "process").folder / "centralised"


@pytest.fixture(scope="module")
def spoken() -> list[Utterance]:
    return list(synthetic_corpus(speakers=3, utterances_per_speaker=4, grammar="digits", seed=11))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory, spoken: list[Utterance]) -> Path:
    folder = tmp_path_factory.mktemp("spoken")
    lines = []
    for number, utterance in enumerate(spoken):
        name = f"{number}.{'flac' if number % 2 else 'wav'}"
        rate = 16_000 if number % 3 else 22_050
        soundfile.write(folder / name, utterance.audio.read(rate), rate)
        lines.append(json.dumps({"audio_filepath": name, "text": utterance.text.upper(), "speaker": utterance.speaker}))
    (folder / "manifest.jsonl").write_text("\n".join(lines))
    return folder / "manifest.jsonl"


def test_the_command_prints_what_the_function_returns(
    model: Path, manifest: Path, run_command: Callable[..., Finished]
) -> None:
    expected = fedasr.evaluate(model, manifest)
    assert list(expected) == KEYS
    finished = run_command("fedasr.evaluate", model, manifest, "--json")
    assert finished.code == 0, finished.err
    assert json.loads(finished.out) == expected
    assert "resampled" in finished.err


def test_a_table_is_scored_as_a_manifest_is(model: Path, manifest: Path) -> None:
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    table = manifest.parent / "spoken.tsv"
    table.write_text("\n".join("\t".join(line) for line in [list(rows[0]), *(r.values() for r in rows)]))
    assert fedasr.evaluate(model, table) == fedasr.evaluate(model, manifest)


def test_a_corpus_of_any_kind_is_scored(model: Path, manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    table = manifest.parent / "clips.csv"
    table.write_text("path,sentence,client\n" + "".join(",".join(row.values()) + "\n" for row in rows))
    chapter = manifest.parent / "LibriSpeech" / "mine" / "1" / "2"
    chapter.mkdir(parents=True)
    soundfile.write(chapter / "1-2-0000.flac", *soundfile.read(manifest.parent / "1.flac"))
    (chapter / "1-2.trans.txt").write_text(f"1-2-0000 {rows[1]['text']}\n")
    expected = {line["id"]: line["hypothesis"] for line in fedasr.evaluate(model, manifest)["hypotheses"]}
    columns = Columns("path", "sentence", "client")
    found = fedasr.evaluate(model, table, columns=columns)
    assert {line["id"]: line["hypothesis"] for line in found["hypotheses"]} == expected
    (line,) = fedasr.evaluate(model, manifest.parent, kind="librispeech", subset="mine")["hypotheses"]
    assert line["hypothesis"] == expected["1.flac"]
    app([str(model), str(table), "--columns", "audio=path,text=sentence,speaker=client"], standalone_mode=False)
    assert f"{found['wer']:.1%}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--kind", "librispech"), "did you mean 'librispeech'"),
        (("--columns", "audio"), "--columns audio: write them as audio=path"),
        (("--columns", "audi=path"), "unknown key 'audi'; did you mean 'audio'"),
        (("--columns", "text=sentence"), "--columns: a corpus of kind 'manifest' has no columns"),
        (("--subset", "dev"), "--subset: a corpus of kind 'manifest' has no subsets"),
    ],
)
def test_forms_that_are_none(
    options: tuple[str, str], says: str, model: Path, manifest: Path, refused: Refused, tmp_path: Path
) -> None:
    assert says in refused(model, manifest, *options, app=app)
    assert f"{options[0]} takes no effect" in refused(model, options[0], "audio=a", app=app)
    assert "name the form of the corpus, such as --kind librispeech" in refused(model, tmp_path, app=app)


def test_all_that_is_wrong_with_a_manifest_is_told_at_once(model: Path, tmp_path: Path) -> None:
    record(tmp_path / "long.wav", 1.0)
    path = write_manifest(
        tmp_path,
        row("long.wav", offset=0.5),
        row("none.wav"),
        "{",
        row("long.wav", offset=0.9),
        row("long.wav", text=""),
    )
    with pytest.raises(UserError) as raised:
        fedasr.evaluate(model, path)
    assert [line.split(": ")[0] for line in raised.value.lines] == [*(f"{path}:{n}" for n in (2, 3, 4, 5)), str(path)]


def test_importing_the_commands_leaves_the_functions() -> None:
    assert fedasr.evaluate is fedasr.api.evaluate
    assert fedasr.transcribe is fedasr.api.transcribe


def test_scores_are_of_the_hypotheses(model: Path, manifest: Path, spoken: list[Utterance]) -> None:
    scores = fedasr.evaluate(str(model / "model.safetensors"), manifest.parent)
    words = sum(len(utterance.text.split()) for utterance in spoken)
    errors = scores["insertions"] + scores["deletions"] + scores["substitutions"]
    assert scores["wer"] == pytest.approx(errors / words)
    assert scores["wer_low"] <= scores["wer"] <= scores["wer_high"]
    assert scores["utterances"] == len(spoken) == len(scores["hypotheses"])
    for heard, utterance in zip(scores["hypotheses"], spoken, strict=True):
        assert heard.keys() == {"id", "speaker", "reference", "hypothesis", "decoded"}
        assert (heard["speaker"], heard["reference"]) == (utterance.speaker, utterance.text)


def test_a_plain_line_without_json(model: Path, manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app([str(model), str(manifest)], standalone_mode=False)
    out = capsys.readouterr().out
    assert out.startswith("WER ")
    assert out.count("\n") == 1
    assert f"{fedasr.evaluate(model, manifest)['wer']:.1%}" in out


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a model of plain English letters that has learnt nothing."""
    spec = RecogniserSpec(FeatureSpec(mels=16), EncoderSpec("lstm", 1, 8, 0.0))
    recogniser = Recogniser(spec, learn_characters([]))
    path = tmp_path_factory.mktemp("untrained") / "model.safetensors"
    save_model(path, recogniser.weights(), spec, recogniser.tokens)
    return path


def _said(folder: Path, *rows: dict[str, str]) -> Path:
    for number, _ in enumerate(rows):
        record(folder / f"{number}.wav", 0.3, seed=number)
    return make_manifest(folder, *({"audio_filepath": f"{n}.wav", **line} for n, line in enumerate(rows)))


ANNA, NOBODY = {"text": "one two", "speaker": "anna"}, {"text": "one two"}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [([ANNA] * 3, "one speaker"), ([NOBODY] * 3, "not every line names one"), ([ANNA, NOBODY], "not every line")],
)
def test_no_interval_is_printed_where_there_are_not_two_speakers(
    untrained: Path, tmp_path: Path, rows: list[dict[str, str]], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _said(tmp_path, *rows)
    app([str(untrained), str(path)], standalone_mode=False)
    out = capsys.readouterr().out
    assert f"no interval over speakers: {reason}" in out or f"no interval: {reason}" in out
    assert " to " not in out
    app([str(untrained), str(path), "--json"], standalone_mode=False)
    scores = json.loads(capsys.readouterr().out)
    assert scores["wer_low"] is scores["wer_high"] is None
    assert scores["wer"] is not None


def test_two_speakers_have_an_interval(untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app([str(untrained), str(_said(tmp_path, ANNA, ANNA | {"speaker": "bob"}))], standalone_mode=False)
    assert "(95%: " in capsys.readouterr().out


def test_references_that_the_model_cannot_write_are_said(
    untrained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    texts = ["one\u200b two", "\ufefffour", "\u200esix", "don\u2019t.", "no."]
    scores = fedasr.evaluate(untrained, _said(tmp_path, *({"text": text, "speaker": "s"} for text in texts)))
    assert [line["reference"] for line in scores["hypotheses"]] == ["one two", "four", "six", "don\u2019t.", "no."]
    (line,) = [message for message in caplog.messages if "references" in message]
    assert line.startswith("2 of 5 references hold characters that the model cannot write")
    assert "'.' (U+002E), '\u2019' (U+2019)" in line


def test_references_are_made_by_the_rule_that_the_model_remembers(untrained: Path, tmp_path: Path) -> None:
    path = _said(tmp_path, {"text": "Don’t PANIC, at 42!", "speaker": "s"})
    recogniser = load_model(untrained)
    found = []
    for rule in (AS_READ, NORMALISED, "backwards"):
        model = tmp_path / rule / "model.safetensors"
        save_model(model, recogniser.weights(), recogniser.spec, recogniser.tokens, rule)
        if rule not in RULES:
            with pytest.raises(UserError, match="'backwards'"):
                fedasr.evaluate(model.parent, path)
            continue
        found.append(fedasr.evaluate(model.parent, path)["hypotheses"][0]["reference"])
    assert found == ["don’t panic, at 42!", "don't panic at 42"]


def test_half_a_character_in_a_reference_is_refused_with_its_line(
    untrained: Path, tmp_path: Path, run_command: Callable[..., Finished]
) -> None:
    path = _said(tmp_path, {"text": "ha \ud83d", "speaker": "s"})
    finished = run_command("fedasr.evaluate", untrained, path, "--json")
    assert (finished.code, finished.out) == (2, "")
    assert "manifest.jsonl:1: text holds half a character (U+D83D)" in finished.err
    assert "Traceback" not in finished.err


def test_json_of_half_a_character_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"hypotheses": [{"id": "caf\udce9.wav", "reference": "h\ud83d é 😀"}]}
    echo_json(scores)
    assert json.loads(capsys.readouterr().out) == scores


def test_a_line_for_each_file_in_the_order_given(
    model: Path, manifest: Path, run_command: Callable[..., Finished]
) -> None:
    files = [manifest.parent / name for name in ("3.flac", "0.wav", "1.flac")]
    finished = run_command("fedasr.transcribe", model, *files)
    assert finished.code == 0, finished.err
    assert finished.out.split("\n")[:-1] == fedasr.transcribe(model, files)
    heard = {line["id"]: line["hypothesis"] for line in fedasr.evaluate(model, manifest)["hypotheses"]}
    assert fedasr.transcribe(model, files) == [heard[file.name] for file in files]


def test_digits_are_transcribed_by_a_model_that_learnt_them(tmp_path: Path) -> None:
    """The whole way from speech to text: a model trained on two short files by heart hears them again."""
    import torch
    from support.learning import learner

    from fedasr.common.randomness import Streams
    from fedasr.corpora.speech import held_speech
    from fedasr.student.trainer import CentralTrainer, TrainerSpec

    utterances = synthetic_corpus(speakers=1, utterances_per_speaker=2, grammar="digits", seed=1)
    extract = LogMel(FeatureSpec(mels=24))
    for number, utterance in enumerate(utterances):
        soundfile.write(tmp_path / f"{number}.wav", utterance.audio.read(16_000), 16_000, "FLOAT")
    speech = held_speech(utterances, [extract(u.audio.read(16_000)) for u in utterances])
    torch.manual_seed(0)
    spec = RecogniserSpec(extract.spec, EncoderSpec("bilstm", 1, 32, 0.0))
    model = Recogniser(spec, learn_characters([]))
    trainer = TrainerSpec(200, 2, learning_rate=0.01)
    CentralTrainer(learner(model, speech, batch_size=2), trainer, Streams(0)).run()
    save_model(tmp_path / "model.safetensors", model.weights(), spec, model.tokens)
    files = [tmp_path / f"{number}.wav" for number in range(2)]
    assert fedasr.transcribe(tmp_path, files) == [u.text for u in utterances]
    assert np.unique([u.text for u in utterances]).size == 2


@pytest.mark.parametrize("kind", ["bilstm", "conformer"])
def test_all_files_at_once_are_heard_as_each_alone(kind: str, tmp_path: Path) -> None:
    lengths = np.random.default_rng(2).uniform(0.3, 2.5, 24)
    files = [record(tmp_path / f"{n}.wav", seconds, seed=n) for n, seconds in enumerate(lengths)]
    rows = [row(file.name, duration=len(soundfile.read(file)[0]) / 16_000) for file in files]
    model, path = recogniser(kind), tmp_path / "model.safetensors"
    # Nobody trained it: its doubts are near ties, which a change of its scores would decide otherwise.
    weights = {name: 8 * value if name.startswith("ctc") else value for name, value in model.weights().items()}
    save_model(path, weights, model.spec, model.tokens)
    hypotheses = fedasr.evaluate(path, write_manifest(tmp_path, *rows))["hypotheses"]
    heard = fedasr.transcribe(path, files)
    assert [one["hypothesis"] for one in hypotheses] == heard
    assert len(set(heard)) > 12
