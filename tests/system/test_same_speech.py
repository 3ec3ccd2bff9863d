"""The same speech in each form in which it is kept is the same experiment, to the bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forms import benchmark
from support.sound import manifest, record, row

from fedasr.corpora.load import load_corpus
from fedasr.corpora.utterance import Utterance

for name in ("lhotse", "datasets"):
    pytest.importorskip(name, reason=f"writes the forms: pip install 'fedasr[{name}]'")

same_speech, speech_forms = benchmark("same_speech"), benchmark("speech_forms")
Written = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write seven people's speech in each form, and return where each is."""
    folder = tmp_path_factory.mktemp("speech")
    rows = []
    for number in range(14):
        seconds = 0.3 + number / 16_000 * 7
        record(folder / f"{number}.flac", seconds, seed=number)
        rows.append(
            row(f"{number}.flac", duration=round(seconds, 6), text=f"yes {number % 5}", speaker=f"s{number % 7}")
        )
    manifest(folder, *rows)
    return dict(same_speech.forms(speech_forms.clips_of(folder), folder / "forms"))


def test_each_form_has_the_same_utterances(written: Written) -> None:
    told = {
        name: [(u.id, u.speaker, u.text, u.fields, u.audio.read(16_000).tobytes()) for u in _loaded(corpus)]
        for name, corpus in written.items()
    }
    assert len(told) == 9
    for found in told.values():
        assert found == told["manifest"]


@pytest.mark.parametrize(
    "form", ["lhotse cuts", "kaldi", "datasets", "manifest, parts of one file", "kaldi, parts of one file"]
)
def test_features_partition_and_weights_are_the_same_to_the_bit(written: Written, form: str, tmp_path: Path) -> None:
    first, other = (
        same_speech.outcome(written[name], tmp_path / str(number)) for number, name in enumerate(("manifest", form))
    )
    assert other == first


def _loaded(corpus: dict[str, str]) -> tuple[Utterance, ...]:
    return load_corpus(corpus["kind"], Path(corpus["path"]), subset=corpus.get("subset"))
