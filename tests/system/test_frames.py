"""A run whose recogniser labels frames: from synthetic speech with its phones to words."""

import itertools
from pathlib import Path

import pytest

pytest.importorskip("espeakng_loader", reason="synthetic speech needs the extra 'synth'")

from fedasr.api import run
from fedasr.common.errors import UserError
from fedasr.corpora.synthetic.render import recipe_of
from fedasr.engine.preparation import prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment

TABLE = {
    "name": "frames",
    "corpus": {
        "grammar": "digits", "speakers": 7, "utterances_per_speaker": 4, "public_speakers": 3,
        "development_speakers": 1, "test_speakers": 1,
    },
    "model": {"tokens": "phones", "head": "frames", "layers": 1, "units": 48, "dropout": 0.0, "mels": 32},
    "decoding": {"method": "lexicon"},
    "start": {"epochs": 12, "batch_size": 4, "learning_rate": 1e-2},
    "training": {"rounds": 1, "local_steps": 1, "batch_size": 2, "learning_rate": 0.1},
    "compare": [{"name": name, "strategy": name} for name in ("public-only", "fedavg")],
}  # fmt: skip


def _experiment(**values: object) -> Experiment:
    return Experiment.from_table(TABLE).with_values(values)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDASR_CACHE", str(tmp_path / "cache"))


def test_words_are_heard_by_what_the_synthesiser_says_of_its_phones(tmp_path: Path) -> None:
    result = run(_experiment(), out=tmp_path / "run", grid="process")
    assert not result.failed
    for row in result.rows:
        assert row["wer"] == row["wer_decoded"] < 0.7, "words are those of the search"
        assert row["development_wer"] < 0.9, "while it trains it is judged by its words"


def test_speech_is_aligned_once_and_as_long_as_its_features(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare_experiment(_experiment(), 1, Watcher())
    name = prepared.tokens.aligned_by
    for index, utterance in enumerate(prepared.speech.utterances):
        alignment = prepared.speech.alignment(index, name)
        assert len(alignment.numbers_T) == prepared.speech.frames(index)
        said = [alignment.phones[number] for number in alignment.numbers_T]
        recipe = recipe_of(utterance.audio)
        assert recipe is not None
        for phone, following in itertools.pairwise(recipe.phones()):
            middle = round(50 * (phone.start_seconds + following.start_seconds))
            if following.start_seconds - phone.start_seconds > 0.02:  # else its middle is another's frame
                assert said[middle] == phone.name
    monkeypatch.setattr("fedasr.engine.aligning.write_alignments", None)  # nobody calls it again
    assert prepare_experiment(_experiment(), 1, Watcher()).tokens == prepared.tokens


def test_frames_are_searched_with_words_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"set decoding\.method = 'lexicon', or 'greedy'"):
        run(_experiment(**{"decoding.method": "beam"}), out=tmp_path / "run", grid="process")
