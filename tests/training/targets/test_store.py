"""What was stored comes back, and nothing else does."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.stored_targets import BINDING, same, seal, top

from fedasr.common.errors import RowError, UserError
from fedasr.training.targets import store as module
from fedasr.training.targets.store import TargetStore
from fedasr.training.targets.top import expanded


@given(st.dictionaries(st.text(), st.integers(0, 30), max_size=8), st.integers(1, 3))
def test_what_was_stored_comes_back(
    tmp_path_factory: pytest.TempPathFactory, lengths: dict[str, int], shards: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    stored = {name: top(frames, seed) for seed, (name, frames) in enumerate(lengths.items())}
    for shard in range(shards):
        seal(folder / f"{shard}.targets", dict(list(stored.items())[shard::shards]))
    store = TargetStore.open(folder, BINDING)
    store.verify()
    assert (store.utterances, store.frames) == (len(lengths), sum(lengths.values()))
    assert store.nbytes == sum(path.stat().st_size for path in folder.iterdir())
    for name, targets in stored.items():
        assert name in store
        assert same(store.top(name), targets)
        for found, expected in zip(store.targets(name), expanded(targets), strict=True):
            assert (found.dtype, found.tobytes()) == (expected.dtype, expected.tobytes())
    assert "somebody else's" not in store
    assert 7 not in store


@given(st.lists(st.integers(0, 9), max_size=6))
def test_a_batch_is_its_utterances_padded_with_zeros(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int]
) -> None:
    stored = {f"u{frames}": top(frames, frames) for frames in range(10)}
    store = TargetStore.open(seal(tmp_path_factory.mktemp("store") / "a.targets", stored).parent)
    batch = store.batch([f"u{frames}" for frames in lengths])
    longest = max(lengths, default=0)
    assert batch.tokens_BTK.shape == batch.probabilities_BTK.shape == (len(lengths), longest, 4)
    assert batch.tail_BT.shape == (len(lengths), longest)
    assert batch.tokens_BTK.dtype == torch.int64
    for row, frames in enumerate(lengths):
        parts = batch.tokens_BTK[row], batch.probabilities_BTK[row], batch.tail_BT[row]
        for part, expected in zip(parts, expanded(stored[f"u{frames}"]), strict=True):
            torch.testing.assert_close(part[:frames], torch.from_numpy(expected), rtol=0, atol=0)
            assert not part[frames:].any()


def test_all_outputs_are_kept_where_there_are_fewer_than_k(tmp_path: Path) -> None:
    binding = replace(BINDING, outputs=4, top_k=9)
    targets = replace(top(3), indices_TK=top(3).indices_TK % 4)
    store = TargetStore.open(seal(tmp_path / "a.targets", {"u": targets}, binding).parent, binding)
    assert same(store.top("u"), targets)
    assert store.batch(["u"]).tokens_BTK.shape == (1, 3, 4)


def test_an_unknown_utterance_is_one_line(tmp_path: Path) -> None:
    store = TargetStore.open(seal(tmp_path / "a.targets", {"u": top(3)}).parent)
    for read in (store.top, store.targets, lambda name: store.batch(["u", name])):
        with pytest.raises(RowError, match=rf"^{tmp_path}: there are no targets of utterance 'v'$"):
            read("v")


def test_another_binding_is_refused_with_the_field_and_the_file(tmp_path: Path) -> None:
    seal(tmp_path / "a.targets", {"u": top(3)})
    with pytest.raises(UserError, match=r"a\.targets: its targets are of something else: the teacher's weights: aaaa"):
        TargetStore.open(tmp_path, replace(BINDING, teacher="d" * 64))
    seal(tmp_path / "b.targets", {"v": top(3)}, replace(BINDING, frames_stacked=4))
    with pytest.raises(UserError, match=r"b\.targets: .* the 10 ms frames in one target frame: 4 here, 3 there$"):
        TargetStore.open(tmp_path)


def test_an_utterance_in_two_shards_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(tmp_path / "a.targets", {"u": top(3), "v": top(2)})
    seal(tmp_path / "b.targets", {"u": top(3), "w": top(2)})
    twice = rf"^{tmp_path}/b\.targets: an utterance of it is in a\.targets too; remove one of them$"
    with pytest.raises(UserError, match=twice):
        TargetStore.open(tmp_path)
    monkeypatch.setattr(module, "COMPARED_UTTERANCES", 3)
    store = TargetStore.open(tmp_path)  # too large to be compared as it is opened
    for name in ("u", "w", "x"):
        with pytest.raises(RowError, match=twice):
            store.top(name)


def test_a_folder_without_sealed_shards_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".a.targets-1-00").write_bytes(b"open")
    (tmp_path / ".targets").write_bytes(b"hidden")
    (tmp_path / "a.json").write_bytes(b"{}")
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match=r"there are no sealed shards of targets \(\*\.targets\)$"):
            TargetStore.open(folder)


def test_a_shard_of_nobody_is_a_store_of_nobody(tmp_path: Path) -> None:
    store = TargetStore.open(seal(tmp_path / "a.targets", {}).parent, BINDING)
    assert (store.utterances, store.frames, "u" in store) == (0, 0, False)


def test_a_store_travels_as_its_folder(tmp_path: Path) -> None:
    store = TargetStore.open(seal(tmp_path / "a.targets", {"u": top(500)}).parent)
    sent = pickle.dumps(store)
    assert len(sent) < 1000
    assert same(pickle.loads(sent).top("u"), top(500))
