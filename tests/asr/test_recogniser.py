import json
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.learning import assert_learns
from support.tolerance import assert_rounded
from support.toy_recognisers import TOKENS, features, recogniser

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.decoding.greedy import BATCH, decoding_batches, in_order, transcribe_all, transcribe_batch
from fedasr.asr.features import stacked_length
from fedasr.asr.recogniser import RecogniserSpec, digest, spec_from_json

KINDS = [(kind, head) for kind in ("lstm", "bilstm", "conformer") for head in ("ctc", "transducer", "joint")]


@pytest.mark.parametrize(("kind", "head"), KINDS)
def test_every_kind_learns_and_writes(kind: str, head: str) -> None:
    model = recogniser(kind, head)
    batch = make_batch(features(40, 31), [TOKENS.encode("ab c"), TOKENS.encode("de")])
    assert_learns(model, batch)
    assert len(model.transcribe(batch)) == 2


def test_a_recogniser_can_learn_two_utterances_by_heart() -> None:
    model = recogniser("bilstm", "ctc")
    batch = make_batch(features(40, 31), [TOKENS.encode("ab c"), TOKENS.encode("de")])
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    for _ in range(120):
        optimizer.zero_grad()
        model.losses(batch).mean().backward()
        optimizer.step()
    assert model.transcribe(batch) == ["ab c", "de"]


def test_the_loss_is_per_token() -> None:
    model = recogniser()
    batch = make_batch(features(40), [TOKENS.encode("abcd")])
    encodings = model.encoder(batch.features_BTF, batch.lengths_B, None)
    whole = model.ctc.losses(encodings, batch.lengths_B, batch.targets_BU, batch.target_lengths_B)
    assert model.losses(batch).equal(whole / 4)


def test_joint_losses_are_weighted() -> None:
    model = recogniser(head="joint")
    batch = make_batch(features(40), [TOKENS.encode("abcd")])
    encodings = model.encoder(batch.features_BTF, batch.lengths_B, None)
    arguments = (encodings, batch.lengths_B, batch.targets_BU, batch.target_lengths_B)
    expected = 0.3 * model.ctc.losses(*arguments) + 0.7 * model.transducer.losses(*arguments, None)
    assert_rounded(model.losses(batch) * 4, expected, 4)


def test_weights_go_out_and_in() -> None:
    model, other = recogniser(), recogniser()
    changed = {name: array + 1 for name, array in model.weights().items()}
    other.load(changed)
    for name, array in other.weights().items():
        np.testing.assert_array_equal(array, changed[name])
    changed[next(iter(changed))][:] = 0
    assert digest(other.weights()) != digest(changed)


def test_weights_are_a_copy() -> None:
    model = recogniser()
    before = digest(model.weights())
    for array in model.weights().values():
        array[:] = 0
    assert digest(model.weights()) == before


def test_read_only_arrays_are_loaded_without_complaint(recwarn: pytest.WarningsRecorder) -> None:
    model = recogniser()
    weights = model.weights()
    for array in weights.values():
        array.flags.writeable = False
    model.load(weights)
    assert not [w for w in recwarn if "writable" in str(w.message)]


def test_wrong_names_are_refused() -> None:
    model = recogniser()
    weights = model.weights()
    with pytest.raises(ValueError, match="stranger"):
        model.load({**weights, "stranger": np.zeros(3, np.float32)})
    missing = dict(weights)
    name = next(iter(missing))
    del missing[name]
    with pytest.raises(ValueError, match=name):
        model.load(missing)


def test_wrong_shapes_are_refused() -> None:
    model = recogniser()
    weights = model.weights()
    name = next(iter(weights))
    with pytest.raises(ValueError, match=name):
        model.load({**weights, name: weights[name][:-1]})


def test_the_digest_changes_with_any_bit_and_not_with_the_order() -> None:
    weights = recogniser().weights()
    original = digest(weights)
    assert digest(dict(reversed(weights.items()))) == original
    for name, array in weights.items():
        changed = array.copy()
        changed.reshape(-1).view(np.uint32)[-1] ^= 1
        assert digest({**weights, name: changed}) != original


def test_the_digest_sees_names_and_shapes() -> None:
    array = np.arange(6, dtype=np.float32)
    digests = {digest({"a": array}), digest({"b": array}), digest({"a": array.reshape(2, 3)})}
    assert len(digests) == 3


def test_the_specification_survives_json() -> None:
    spec = recogniser("conformer", "joint").spec
    assert spec_from_json(json.loads(json.dumps(asdict(spec)))) == spec


def test_decoding_batches_hold_every_utterance_once_by_length() -> None:
    frames = np.random.default_rng(0).integers(1, 500, 3 * BATCH + 5).tolist()
    batches = decoding_batches(frames)
    flat = [index for batch in batches for index in batch]
    assert sorted(flat) == list(range(len(frames)))
    assert [frames[i] for i in flat] == sorted(frames)
    assert max(map(len, batches)) == BATCH


def test_a_batch_is_transcribed_in_the_order_asked_for() -> None:
    model, speech = recogniser(), features(40, 31, 22)
    alone = [transcribe_batch(model, speech.__getitem__, [index])[0] for index in range(3)]
    assert transcribe_batch(model, speech.__getitem__, [2, 0, 1]) == [alone[2], alone[0], alone[1]]


class _Measure:
    """Hears of an utterance how long it is."""

    spec = RecogniserSpec()

    def hear(self, batch: Batch, decode: None) -> SimpleNamespace:
        return SimpleNamespace(texts=[str(length) for length in batch.lengths_B.tolist()])


@pytest.mark.parametrize("count", [0, 1, 3 * BATCH + 5])
def test_many_utterances_are_heard_each_in_its_place(count: int) -> None:
    lengths = np.random.default_rng(1).integers(20, 200, count).tolist()
    speech = features(*lengths)
    heard = transcribe_all(_Measure(), speech.__getitem__, lengths)  # type: ignore[arg-type]
    assert heard == [str(stacked_length(length)) for length in lengths]


@given(st.permutations(range(9)), st.integers(1, 9))
def test_results_of_batches_go_back_to_their_places(order: list[int], size: int) -> None:
    batches = [order[start : start + size] for start in range(0, 9, size)]
    assert in_order(batches, [[-index for index in batch] for batch in batches]) == [-index for index in range(9)]
