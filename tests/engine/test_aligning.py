"""Speech that a model aligns: its alignments, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

pytest.importorskip("espeakng_loader", reason="words are said by espeak-ng")
pytest.importorskip("torchaudio", reason="forced alignment is torchaudio's")

from support.sound import utterance

from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import CharacterTokens, Tokens
from fedasr.common.errors import UserError
from fedasr.corpora.features.store import prepare
from fedasr.engine.aligning import STRANGE, align, unalignable_speech
from fedasr.engine.pronouncing import alignment_name, learnt_phones
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.paths import absolute
from fedasr.runs.model_file import save_model

FEATURES = FeatureSpec(mels=16)
SPOKEN = [utterance(1, text="yes no", seconds=0.6), utterance(2, text="yes oh", seconds=0.5)]


def _model(path: Path, tokens: Tokens, seed: int = 0, **changes: object) -> Path:
    torch.manual_seed(seed)
    spec = replace(RecogniserSpec(FEATURES, EncoderSpec("bilstm", 1, 8)), **changes)  # type: ignore[arg-type]
    save_model(path, Recogniser(spec, tokens).weights(), spec, tokens)
    return path


def _experiment(model: Path, **more: object) -> Experiment:
    about = {"tokens": "phones", "head": "frames", "mels": 16, "alignments": str(model), **more}
    return Experiment.from_table({"name": "aligned", "model": about})


def _phones(head: str = "ctc"):
    experiment = Experiment.from_table({"name": "learnt", "model": {"tokens": "phones", "head": head}})
    return learnt_phones(experiment, [utterance(1, text="yes no")])


def test_speech_is_aligned_with_its_transcripts(tmp_path: Path) -> None:
    experiment = _experiment(_model(tmp_path / "ctc.safetensors", _phones()))
    speech, name = prepare(SPOKEN, LogMel(FEATURES), "mels", tmp_path, 16_000), alignment_name(experiment)
    assert unalignable_speech(experiment.model, SPOKEN) is None
    align(experiment, speech, speech.store.folder, name)
    for index, wanted in enumerate([["j", "ɛ", "s", "n", "oʊ"], ["j", "ɛ", "s", "oʊ"]]):  # public text has no "oh"
        alignment = speech.alignment(index, name)
        said = [alignment.phones[number] for number in alignment.numbers_T]
        assert list(dict.fromkeys(filter(None, said))) == wanted
        assert len(said) == speech.frames(index)


def test_a_word_that_nobody_can_say_is_strange(tmp_path: Path) -> None:
    experiment = _experiment(_model(tmp_path / "ctc.safetensors", _phones()))
    speech = prepare([utterance(3, text="yes giraffe")], LogMel(FEATURES), "mels", tmp_path, 16_000)
    align(experiment, speech, speech.store.folder, "forced")
    assert STRANGE in speech.alignment(0, "forced").phones


def test_another_model_or_dictionary_makes_other_alignments(tmp_path: Path) -> None:
    tokens = _phones()
    names = {alignment_name(_experiment(_model(tmp_path / f"{seed}", tokens, seed))) for seed in (0, 1)}
    assert len(names) == 2
    again = alignment_name(_experiment(_model(tmp_path / "again", tokens, 1)))
    assert again in names


@pytest.mark.parametrize(
    ("tokens", "changes", "told"),
    [
        (CharacterTokens(" abc"), {}, "writes no phones of transcripts"),
        (None, {"head": "frames"}, "writes no phones of transcripts"),
        (None, {"features": FeatureSpec(mels=8)}, "reads other features"),
    ],
)
def test_a_model_that_cannot_align_is_refused(tmp_path: Path, tokens: Tokens | None, changes: dict, told: str) -> None:
    experiment = _experiment(_model(tmp_path / "m.safetensors", tokens or _phones(), **changes))
    speech = prepare(SPOKEN, LogMel(FEATURES), "mels", tmp_path, 16_000)
    with pytest.raises(UserError, match=told):
        align(experiment, speech, speech.store.folder, "forced")


def test_a_model_that_is_not_there_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not readable"):
        learnt_phones(_experiment(tmp_path / "nowhere"), SPOKEN)


def test_alignments_are_of_a_head_of_frames_and_their_path_is_kept_whole(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'model\.alignments' takes no effect"):
        _experiment(tmp_path / "ctc", head="ctc")
    assert absolute(_experiment(Path("here"))).model.alignments == str(Path("here").absolute())


def test_roles_label_frames_all_or_none() -> None:
    table = {"name": "roles", "model": {"tokens": "phones", "head": "frames"}, "roles": {"teacher": {"units": 8}}}
    assert Experiment.from_table(table).model_of("teacher").head == "frames"
    with pytest.raises(UserError, match=r"roles\.teacher\.head"):
        Experiment.from_table({**table, "roles": {"teacher": {"head": "ctc"}}})
