import numpy as np
from flwr.app import RecordDict

from fedasr.grid.downlink import Downlink
from fedasr.grid.exchange import Exchange, Request
from fedasr.messages.kinds import SPEECH, TRAIN
from fedasr.messages.records import array_record
from fedasr.wire.codecs.changed import encode_changed
from fedasr.wire.codecs.dense import Dense


def _model(changed: int, seed: int = 0) -> dict[str, np.ndarray]:
    weights = np.random.default_rng(seed).standard_normal(5000).astype(np.float32)
    weights[:changed] += 1
    return {"w": weights}


def _sizes(downlink: Downlink, model: dict[str, np.ndarray], silos: list[int]) -> list[int]:
    content = RecordDict({"arrays": array_record(model)})
    requests = [Request(place, silo, TRAIN, 0) for place, silo in enumerate(silos)]
    return downlink.sizes(Exchange(1, (content,)), requests)


DENSE = len(Dense().encode(_model(0), {})[0])


def test_a_silo_without_the_last_model_is_sent_all_of_it_and_the_others_what_changed() -> None:
    downlink = Downlink()
    assert _sizes(downlink, _model(0), [0, 1, 2]) == [DENSE] * 3
    few = len(encode_changed(_model(40), _model(0)))
    assert few < DENSE / 20
    assert _sizes(downlink, _model(40), [1, 2, 3]) == [few, few, DENSE]
    assert _sizes(downlink, _model(80), [0, 3]) == [DENSE, len(encode_changed(_model(80), _model(40)))]


def test_a_model_that_changed_everywhere_costs_no_more_than_itself() -> None:
    downlink = Downlink()
    _sizes(downlink, _model(0), [0])
    assert _sizes(downlink, _model(0, seed=1), [0]) == [DENSE]


def test_it_remembers_over_a_checkpoint() -> None:
    downlink, again = Downlink(), Downlink()
    _sizes(downlink, _model(0), [0, 2])
    again.restore(downlink.state())
    assert _sizes(again, _model(9), [0, 1, 2]) == _sizes(downlink, _model(9), [0, 1, 2])
    assert _sizes(Downlink(), _model(9), [0]) == [DENSE]


def test_messages_without_arrays_cost_no_blob_and_forget_nothing() -> None:
    downlink = Downlink()
    _sizes(downlink, _model(0), [0])
    assert downlink.sizes(Exchange(1, (RecordDict(),)), [Request(0, 0, SPEECH, 0)]) == [0]
    assert _sizes(downlink, _model(3), [0])[0] < DENSE


def test_the_order_of_names_does_not_matter() -> None:
    """A checkpoint may return them in another."""
    one, other = {"b": np.ones(2000, np.float32), "a": np.zeros(3000, np.float32)}, {}
    for name in sorted(one):
        other[name] = one[name].copy()
    other["a"][:5] = 2
    downlink = Downlink()
    _sizes(downlink, one, [0])
    assert _sizes(downlink, other, [0]) == [len(encode_changed(other, {name: one[name] for name in other}))]
