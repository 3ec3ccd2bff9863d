import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support.sound import record

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.columns import Columns
from fedasr.corpora.features.sources import describe, restore
from fedasr.corpora.load import load_corpus
from fedasr.corpora.noted import hear
from fedasr.corpora.toolkits.stored_audio import StoredAudio

datasets = pytest.importorskip("datasets", reason="reads data sets on disk: pip install 'fedasr[datasets]'")
pyarrow = pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    datasets.disable_progress_bars()


def table(folder: Path, rows: int = 3, **columns: list[Any]) -> Any:
    """Return a data set of recordings; a column of ``...`` is left out."""
    files = [str(record(folder / f"wav/{row}.wav", 0.5 + row / 10, seed=row)) for row in range(rows)]
    usual = {"audio": files, "text": ["One", "two  Three", "no"][:rows], "speaker": ["ann", "bob", "ann"][:rows]}
    kept = {name: column for name, column in {**usual, **columns}.items() if column is not ...}
    found = datasets.Dataset.from_dict(kept)
    return found.cast_column("audio", datasets.Audio()) if "audio" in kept else found


def saved(folder: Path, found: Any) -> Path:
    found.save_to_disk(str(folder / "set"))
    return folder / "set"


def refusal(path: Path, subset: str | None = None, columns: Columns | None = None) -> str:
    with pytest.raises(UserError) as error:
        load_corpus("datasets", path, subset=subset, columns=columns)
    return str(error.value)


def test_each_row_is_an_utterance_whose_bytes_are_decoded_as_the_file_was(tmp_path: Path) -> None:
    path = saved(tmp_path, table(tmp_path, sex=["f", "m", None], age=[30, 40, 50]))
    found = load_corpus("datasets", path)
    assert [(u.id, u.speaker, u.text) for u in found] == [
        ("row-0", "ann", "one"), ("row-1", "bob", "two three"), ("row-2", "ann", "no"),
    ]  # fmt: skip
    assert [u.fields for u in found] == [{"sex": "f", "age": "30"}, {"sex": "m", "age": "40"}, {"age": "50"}]
    assert [u.duration_seconds for u in found] == pytest.approx([0.5, 0.6, 0.7])
    for row, utterance in enumerate(found):
        file = AudioFile(tmp_path / f"wav/{row}.wav")
        assert utterance.audio.read(16_000).tolist() == file.read(16_000).tolist()
        assert utterance.audio.fingerprint() == file.fingerprint()
        assert restore(json.loads(json.dumps(describe(utterance.audio)))) == utterance.audio


def test_the_files_need_not_be_there_once_they_are_in_the_table(tmp_path: Path) -> None:
    path = saved(tmp_path, table(tmp_path))
    before = [u.audio.fingerprint() for u in load_corpus("datasets", path)]
    for file in (tmp_path / "wav").iterdir():
        file.unlink()
    assert [u.audio.fingerprint() for u in load_corpus("datasets", path)] == before


@pytest.mark.parametrize("ending", ["flac", "ogg", "mp3"])
def test_bytes_of_other_formats_are_decoded(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    soundfile.write(file, soundfile.read(record(tmp_path / "a.wav", 1.0))[0], 16_000)
    found = datasets.Dataset.from_dict({
        "audio": [{"bytes": file.read_bytes(), "path": None}, {"bytes": file.read_bytes(), "path": f"a.{ending}"}],
        "text": ["yes", "no"], "speaker": ["ann", "bob"],
    }).cast_column("audio", datasets.Audio(decode=False))  # fmt: skip
    for utterance in load_corpus("datasets", saved(tmp_path, found)):
        assert utterance.audio.read(16_000).tolist() == AudioFile(file).read(16_000).tolist()


def test_paths_are_files_wherever_they_stand(tmp_path: Path) -> None:
    found = table(tmp_path)
    paths = [str(tmp_path / f"wav/{row}.wav") for row in range(3)]
    as_text = datasets.Dataset.from_dict({"audio": paths, "text": found["text"], "speaker": found["speaker"]})
    assert [u.audio for u in load_corpus("datasets", saved(tmp_path / "text", as_text))] == [
        AudioFile(Path(path)) for path in paths
    ]
    assert [u.duration_seconds for u in load_corpus("datasets", _of_paths(tmp_path))] == pytest.approx([0.5, 0.6, 0.7])


def _of_paths(folder: Path) -> Path:
    """Save a table of audio without its bytes; the library itself puts them in where it saves one."""
    cells = [{"bytes": None, "path": f"wav/{row}.wav"} for row in range(3)]
    kinds = {"audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}}
    texts = {"text": datasets.Value("string"), "speaker": datasets.Value("string")}
    columns = {"audio": cells, "text": ["a", "b", "c"], "speaker": ["ann", "bob", "ann"]}
    path = saved(folder, datasets.Dataset.from_dict(columns, datasets.Features({**kinds, **texts})))
    info = json.loads((path / "dataset_info.json").read_text())
    info["features"]["audio"] = {"_type": "Audio"}
    (path / "dataset_info.json").write_text(json.dumps(info))
    return path


def test_columns_have_the_names_that_the_experiment_gives(tmp_path: Path) -> None:
    found = table(tmp_path, text=..., sentence=["a", "b", "c"], speaker=..., client=[7, 8, 7])
    path = saved(tmp_path, found.rename_column("audio", "clip"))
    columns = Columns(audio="clip", text="sentence", speaker="client")
    read = load_corpus("datasets", path, columns=columns)
    assert [(u.speaker, u.text, u.fields) for u in read] == [("7", "a", {}), ("8", "b", {}), ("7", "c", {})]
    line = refusal(path)
    assert "no column 'audio'; found: " in line
    assert 'corpus.columns = { audio = "…" }' in line


def test_labels_are_read_by_their_names_and_ids_as_they_are(tmp_path: Path) -> None:
    found = table(tmp_path, text=[1, 0, 1], id=["x", "y", "z"])
    path = saved(tmp_path, found.cast_column("text", datasets.ClassLabel(names=["no", "yes"])))
    assert [(u.id, u.text) for u in load_corpus("datasets", path)] == [("x", "yes"), ("y", "no"), ("z", "yes")]


def test_a_split_is_a_subset(tmp_path: Path) -> None:
    splits = datasets.DatasetDict(train=table(tmp_path), test=table(tmp_path, 1, text=["other"]))
    path = saved(tmp_path, splits)
    assert [u.text for u in load_corpus("datasets", path, subset="test")] == ["other"]
    assert load_corpus("datasets", path, subset="train") == load_corpus("datasets", path / "train")
    assert "say corpus.subset, one of: test, train" in refusal(path)
    assert "no split 'tset'; did you mean 'test'" in refusal(path, "tset")
    assert "has no splits; remove the key" in refusal(path / "train", "train")
    assert "no data set on disk here" in refusal(tmp_path / "wav")
    table(tmp_path).to_parquet(str(tmp_path / "wav/train.parquet"))
    assert "save the Parquet files as one: load_dataset('parquet'" in refusal(tmp_path / "wav")


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"text": ["a", None, "c"]}, "no 'text' in this row"),
        ({"speaker": ["a", None, "c"]}, "no 'speaker' in this row"),
        ({"text": ["a", " ", "c"]}, "empty text"),
        ({"audio": ["0.wav", None, "2.wav"]}, "no 'audio' in this row"),
        ({"id": ["a", "a", "c"]}, "duplicate id 'a'"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_by_its_number(tmp_path: Path, columns: dict[str, Any], kind: str) -> None:
    files = columns.pop("audio", ["0.wav", "1.wav", "2.wav"])
    found = table(tmp_path, audio=[name and str(tmp_path / "wav" / name) for name in files], **columns)
    line = refusal(saved(tmp_path, found))
    assert line.startswith(f"{tmp_path / 'set'}, row 1: ")
    assert kind in line
    assert "\n" not in line


def test_bytes_that_are_no_audio_are_told_by_their_row_and_column(tmp_path: Path) -> None:
    whole = record(tmp_path / "a.wav", 1.0).read_bytes()
    for number, damaged in enumerate((b"", b"not audio", whole[:-1000])):
        cells = [{"bytes": whole, "path": None}, {"bytes": damaged, "path": "b.wav"}]
        found = datasets.Dataset.from_dict({"audio": cells, "text": ["a", "b"], "speaker": ["a", "b"]})
        path = saved(tmp_path / str(number), found.cast_column("audio", datasets.Audio(decode=False)))
        line = refusal(path)
        assert line.startswith(f"{path}, row 1: ")
        assert f"{path}, row 1, column 'audio'" in line
        assert "\n" not in line


def test_what_is_done_to_bytes_is_said_by_row(tmp_path: Path) -> None:
    tone = np.sin(np.arange(8000) / 7).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, -tone], axis=1), 8000)
    cells = {"audio": [str(tmp_path / "a.wav")], "text": ["a"], "speaker": ["b"]}
    path = saved(tmp_path, datasets.Dataset.from_dict(cells).cast_column("audio", datasets.Audio()))
    (utterance,) = load_corpus("datasets", path)
    heard = hear(utterance.audio, 8000)
    assert heard.samples.std() == pytest.approx(tone.std(), rel=1e-3)
    assert [(note.file, note.is_loss) for note in heard.notes] == [(f"{path}, row 0, column 'audio'", True)]


def test_text_that_is_not_utf_8_is_told_in_a_line(tmp_path: Path) -> None:
    texts = pyarrow.array([b"yes", b"caf\xe9", b"no"]).cast(pyarrow.string(), safe=False)
    found = table(tmp_path, text=...)
    path = saved(tmp_path, datasets.Dataset(found.data.table.append_column("text", texts)))
    assert "from row 0 on: a text that is not UTF-8; save" in refusal(path)


def test_columns_of_other_things_are_refused(tmp_path: Path) -> None:
    heard = [[0.1] * 8000] * 2
    found = datasets.Dataset.from_dict({"audio": heard, "text": ["a", "b"], "speaker": ["a", "b"]})
    assert "column 'audio' holds no audio files; cast it" in refusal(saved(tmp_path / "a", found))
    found = table(tmp_path, text=[["a"], ["b"], ["c"]])
    assert "column 'text' holds no single values" in refusal(saved(tmp_path / "b", found))


def test_a_damaged_data_set_is_told_in_a_line(tmp_path: Path) -> None:
    path = saved(tmp_path, table(tmp_path))
    (arrow,) = path.glob("*.arrow")
    arrow.write_bytes(arrow.read_bytes()[:100])
    assert "not a data set that can be opened" in refusal(path)


def test_nothing_of_the_set_is_decoded_or_run(tmp_path: Path) -> None:
    path = saved(tmp_path, table(tmp_path))
    (path / "set.py").write_text("raise SystemExit")
    found = load_corpus("datasets", path)
    assert [type(u.audio) for u in found] == [StoredAudio] * 3
    found[0].audio.read(8000)
    assert "torchcodec" not in sys.modules


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, table(tmp_path))
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert refusal(path) == "corpus.kind 'datasets' needs the extra: pip install 'fedasr[datasets]'"
