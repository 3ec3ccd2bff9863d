import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.corpora import read_or_refused
from support.sound import record

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.load import load_corpus

lhotse = pytest.importorskip("lhotse", reason="reads lhotse's manifests: pip install 'fedasr[lhotse]'")


def recording(folder: Path, name: str = "a", seconds: float = 2.0, channels: int = 1) -> Any:
    return lhotse.Recording.from_file(record(folder / f"{name}.wav", seconds, channels=channels))


def said(name: str, start: float = 0.0, seconds: float = 1.0, of: str = "a", **told: Any) -> Any:
    told = {"channel": 0, "text": "Yes", "speaker": "ann"} | told
    return lhotse.SupervisionSegment(name, of, start, seconds, **told)


def cut_set(recordings: list[Any], supervisions: list[Any]) -> Any:
    return lhotse.CutSet.from_manifests(
        lhotse.RecordingSet.from_recordings(recordings), lhotse.SupervisionSet.from_segments(supervisions)
    )


def refusal(path: Path, subset: str | None = None) -> str:
    with pytest.raises(UserError) as error:
        load_corpus("lhotse", path, subset=subset)
    return str(error.value)


@pytest.mark.parametrize("name", ["cuts.jsonl", "cuts.jsonl.gz"])
def test_each_supervision_is_an_utterance_in_the_order_of_the_manifest(tmp_path: Path, name: str) -> None:
    told = [
        said("a-2", 1.0, 0.5, text="Two  Words", gender="F", language="en", custom={"room": "kitchen", "snr": 3}),
        said("a-1", 0.0, 0.75, speaker="bob", gender="male"),
    ]  # fmt: skip
    cut_set([recording(tmp_path)], told).to_file(tmp_path / name)
    found = load_corpus("lhotse", tmp_path)
    assert [(u.id, u.speaker, u.text, u.duration_seconds) for u in found] == [
        ("a-2", "ann", "two words", 0.5), ("a-1", "bob", "yes", 0.75),
    ]  # fmt: skip
    assert found[0].fields == {"sex": "f", "language": "en", "room": "kitchen", "snr": "3"}
    assert found[1].fields == {"sex": "m"}
    assert [u.audio for u in found] == [
        AudioFile(tmp_path / "a.wav", 1.0, 0.5),
        AudioFile(tmp_path / "a.wav", 0.0, 0.75),
    ]
    assert load_corpus("lhotse", tmp_path / name) == found


def test_the_samples_are_those_that_lhotse_reads(tmp_path: Path) -> None:
    told = [said("a-1", 0.1, 0.3337), said("a-2", 0.4337, 1.2)]
    cuts = cut_set([recording(tmp_path)], told)
    cuts.to_file(tmp_path / "cuts.jsonl.gz")
    for utterance, cut in zip(load_corpus("lhotse", tmp_path), cuts.trim_to_supervisions(), strict=True):
        assert utterance.audio.read(16_000).tolist() == cut.load_audio()[0].tolist()


@pytest.mark.parametrize("of", ["the whole", "a window", "a part"])
def test_a_supervision_is_the_same_part_of_the_recording_in_whichever_cut_it_is(tmp_path: Path, of: str) -> None:
    (cut,) = cut_set([recording(tmp_path)], [said("a-1", 1.0, 0.5)])
    changed = {
        "the whole": cut,
        "a window": cut.truncate(offset=0.75, duration=1.0),
        "a part": cut.truncate(offset=1.25),
    }
    lhotse.CutSet.from_cuts([changed[of]]).to_file(tmp_path / "cuts.jsonl")
    (found,) = load_corpus("lhotse", tmp_path)
    assert found.audio == AudioFile(tmp_path / "a.wav", 1.0, 0.5)


def test_recordings_with_supervisions_are_read_as_their_cuts_are(tmp_path: Path) -> None:
    recordings = lhotse.RecordingSet.from_recordings([recording(tmp_path), recording(tmp_path, "b", 1.0)])
    told = lhotse.SupervisionSet.from_segments([said("a-1"), said("b-1", of="b", speaker="bob"), said("a-2", 1.5, 0.5)])
    pair = tmp_path / "pair"
    pair.mkdir()
    recordings.to_file(pair / "tiny_recordings_dev.jsonl.gz")
    told.to_file(pair / "tiny_supervisions_dev.jsonl.gz")
    found = load_corpus("lhotse", pair)
    assert [(u.id, u.audio) for u in found] == [
        ("a-1", AudioFile(tmp_path / "a.wav", 0.0, 1.0)), ("b-1", AudioFile(tmp_path / "b.wav")),
        ("a-2", AudioFile(tmp_path / "a.wav", 1.5, 0.5)),
    ]  # fmt: skip
    assert found == load_corpus("lhotse", pair, subset="dev") == load_corpus("lhotse", pair, subset="tiny_dev")
    cut_set(list(recordings), list(told)).to_file(tmp_path / "cuts.jsonl")
    assert {(u.id, u.audio) for u in load_corpus("lhotse", tmp_path)} == {(u.id, u.audio) for u in found}


def test_what_lhotse_imports_from_kaldi_is_what_the_data_folder_says(tmp_path: Path) -> None:
    from lhotse.kaldi import export_to_kaldi, load_kaldi_data_dir

    told = [said("a-1", 0.0, 0.5), said("a-2", 0.5, 1.5, speaker="bob", text="No")]
    recordings = lhotse.RecordingSet.from_recordings([recording(tmp_path)])
    export_to_kaldi(recordings, lhotse.SupervisionSet.from_segments(told), tmp_path / "kaldi")
    imported, supervisions, _ = load_kaldi_data_dir(tmp_path / "kaldi", 16_000)
    imported.to_file(tmp_path / "recordings.jsonl.gz")
    supervisions.to_file(tmp_path / "supervisions.jsonl.gz")
    assert load_corpus("lhotse", tmp_path) == load_corpus("kaldi", tmp_path / "kaldi")


def test_a_channel_is_taken_as_the_cut_or_the_supervision_says(tmp_path: Path) -> None:
    told = [said("a-1", channel=1), said("a-2", 1.0, channel=[0, 1])]
    cut_set([recording(tmp_path, channels=2)], told).to_file(tmp_path / "cuts.jsonl")
    assert [u.audio for u in load_corpus("lhotse", tmp_path)] == [
        AudioFile(tmp_path / "a.wav", 0.0, 1.0, 1), AudioFile(tmp_path / "a.wav", 1.0, 1.0),
    ]  # fmt: skip


def test_a_recording_of_several_files_is_the_file_of_the_channel(tmp_path: Path) -> None:
    far = recording(tmp_path)
    far.sources.append(lhotse.AudioSource("file", [1], str(record(tmp_path / "b.wav", 2.0))))
    far.channel_ids = [0, 1]
    (first, *_) = cut_set([far], [said("a-1", channel=1)])
    lhotse.CutSet.from_cuts([first]).to_file(tmp_path / "cuts.jsonl")
    assert [u.audio for u in load_corpus("lhotse", tmp_path)] == [AudioFile(tmp_path / "b.wav", 0.0, 1.0)]


def changes() -> dict[str, Any]:
    return {
        "a command": lambda cut: _sourced(cut, "command", "touch hacked"),
        "a url": lambda cut: _sourced(cut, "url", "http://localhost/a.wav"),
        "memory": lambda cut: _sourced(cut, "memory", "UklGRg=="),
        "another speed": lambda cut: cut.perturb_speed(0.9),
        "another volume": lambda cut: cut.perturb_volume(0.5),
        "mixed": lambda cut: cut.pad(5.0),
        "no recording": lambda cut: setattr(cut, "recording", None) or cut,
        "no supervision": lambda cut: cut.drop_supervisions(),
        "no speaker": lambda cut: cut.map_supervisions(lambda s: lhotse.utils.fastcopy(s, speaker=None)),
        "no text": lambda cut: cut.map_supervisions(lambda s: lhotse.utils.fastcopy(s, text=None)),
    }


def _sourced(cut: Any, kind: str, source: str) -> Any:
    cut.recording.sources[0] = lhotse.AudioSource(kind, [0], source)
    return cut


@pytest.mark.parametrize("change", changes())
def test_what_is_no_plain_file_with_a_text_and_a_speaker_is_one_line(tmp_path: Path, change: str) -> None:
    (cut,) = cut_set([recording(tmp_path)], [said("a-1", 0.0, 2.0)])
    (tmp_path / "cuts.jsonl").write_text(json.dumps(changes()[change](cut).to_dict()))
    line = refusal(tmp_path)
    assert line.startswith(f"{tmp_path / 'cuts.jsonl'}:1: ")
    assert "\n" not in line
    assert not list(tmp_path.rglob("hacked"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not JSON"), ("[]", "not a JSON object"), ("{}", "lhotse cannot read this line"),
        ('{"id": "x", "type": "Song"}', "lhotse cannot read this line"),
        ('{"id": "x", "sources": [], "sampling_rate": 8000, "num_samples": 1, "duration": 1}', "a Recording, not"),
        ('{"id": "x", "start": 0, "duration": 1, "channel": 0, "type": "MonoCut", "supervisions": 3}', "cannot read"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_cut_is_told_with_its_number(tmp_path: Path, line: str, told: str) -> None:
    cut_set([recording(tmp_path)], [said("a-1")]).to_file(tmp_path / "cuts.jsonl")
    with (tmp_path / "cuts.jsonl").open("a") as file:
        file.write(line + "\n")
    assert refusal(tmp_path).startswith(f"{tmp_path / 'cuts.jsonl'}:2: ")
    assert told in refusal(tmp_path)


def test_damaged_compression_is_told_in_a_line(tmp_path: Path) -> None:
    content = gzip.compress(b'{"id": "x"}\n' * 100)
    for number, damaged in enumerate((content[:-5], b"\x1f\x8b\x08" + b"x" * 40, b"plain text")):
        (tmp_path / f"{number}.jsonl.gz").write_bytes(damaged)
        assert "cannot read this manifest of lhotse's" in refusal(tmp_path / f"{number}.jsonl.gz")


def test_a_folder_of_several_sets_needs_a_subset(tmp_path: Path) -> None:
    for name, seconds in (("train", 1.0), ("dev", 0.5)):
        cut_set([recording(tmp_path)], [said(name, 0.0, seconds)]).to_file(tmp_path / f"tiny_cuts_{name}.jsonl.gz")
    assert [u.id for u in load_corpus("lhotse", tmp_path, subset="dev")] == ["dev"]
    assert "say one of: tiny_dev, tiny_train" in refusal(tmp_path)
    assert "not one subset 'test'; say one of" in refusal(tmp_path, "test")
    (tmp_path / "none").mkdir()
    assert "no manifests of lhotse here" in refusal(tmp_path / "none")


def test_a_recording_that_is_not_there_or_twice_there_is_told(tmp_path: Path) -> None:
    recordings = [recording(tmp_path).to_dict()] * 2
    (tmp_path / "recordings.jsonl").write_text("\n".join(map(json.dumps, recordings)))
    (tmp_path / "supervisions.jsonl").write_text(json.dumps(said("c-1", of="c").to_dict()))
    told = refusal(tmp_path).splitlines()
    assert told[0] == f"{tmp_path / 'recordings.jsonl'}:2: a second recording 'a'; remove one"
    assert told[1].startswith(f"{tmp_path / 'supervisions.jsonl'}:1: recordings.jsonl has no recording 'c'")


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_set([recording(tmp_path)], [said("a-1")]).to_file(tmp_path / "cuts.jsonl")
    for module in ("lhotse", "lhotse.serialization"):
        monkeypatch.setitem(sys.modules, module, None)
    assert refusal(tmp_path) == "corpus.kind 'lhotse' needs the extra: pip install 'fedasr[lhotse]'"


ODD = st.sampled_from(
    [..., None, "", -1, 0, 1e400, [], {}, True, [1], {"a": 1}, 10**30, "text", "a\nb", "\ud83d", "x\0y", "x" * 300]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_value_is_the_line_is_read_or_refused_in_a_line(tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / "cuts.jsonl"
    if not file.exists():
        cut_set([recording(tmp_path)], [said("a-1", gender="F", language="en", custom={"x": 1})]).to_file(file)
        file.rename(tmp_path / "good.jsonl")
    cut = json.loads((tmp_path / "good.jsonl").read_text())
    owner, key = data.draw(st.sampled_from(list(_places(cut))))
    owner[key] = data.draw(ODD)
    if owner[key] is ...:
        del owner[key]
    file.write_text(json.dumps(cut))
    found, lines = read_or_refused("lhotse", file)
    assert len(found) + len(lines) == 1
    for utterance in found:
        assert len(utterance.audio.read(16_000)) == pytest.approx(16_000 * utterance.duration_seconds, abs=1)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a value of JSON's where there is another value: its owner and its key."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])
