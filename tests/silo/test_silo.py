import math
from collections import Counter
from dataclasses import astuple, replace

import numpy as np
import pytest
import torch
from flwr.app import RecordDict
from support.devices import ELSEWHERE, device_of_masks
from support.toy_speech import respoken

from fedasr.asr.recogniser import Recogniser, digest
from fedasr.common.randomness import Streams
from fedasr.corpora.stores.joined import joined
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.grid.in_process import InProcess
from fedasr.messages.alone_reply import AloneReply
from fedasr.messages.elsewhere.consent import Consent
from fedasr.messages.kinds import SPEECH
from fedasr.messages.speech_reply import SpeechReply
from fedasr.messages.train_reply import TrainReply
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.alone import decoded_share, train_alone
from fedasr.silo.app import SiloApp
from fedasr.silo.host import SiloHost
from fedasr.silo.scored import scored
from fedasr.silo.train import local_steps, train


@pytest.fixture
def host(prepared: Prepared) -> SiloHost:
    return silo_host(prepared, prepared.experiment.compare[1], 5)


@pytest.fixture
def weights(prepared: Prepared) -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    return Recogniser(prepared.recogniser_spec, prepared.tokens).weights()


def test_a_silo_sees_its_own_speech_alone(prepared: Prepared, host: SiloHost) -> None:
    for number, ids in enumerate(prepared.partition.silos):
        silo = host.silo(number)
        assert [u.id for u in silo.speech.utterances] == list(ids)
        assert len(silo.speech.speakers) == 1


def test_training_repeats_and_depends_on_silo_round_and_seed(host: SiloHost, weights: dict[str, np.ndarray]) -> None:
    def trained(number: int = 0, round: int = 1, seed: int = 5) -> str:
        other = replace(host, streams=Streams(seed))
        return digest(train(other, other.silo(number), TrainRequest(weights, round), RecordDict()).arrays)

    assert trained() == trained()
    assert len({trained(), trained(number=1), trained(round=2), trained(seed=6)}) == 4


def test_what_a_silo_trained_before_does_not_matter(host: SiloHost, weights: dict[str, np.ndarray]) -> None:
    first = digest(train(host, host.silo(0), TrainRequest(weights, 1), RecordDict()).arrays)
    train(host, host.silo(1), TrainRequest(weights, 1), RecordDict())
    assert digest(train(host, host.silo(0), TrainRequest(weights, 1), RecordDict()).arrays) == first


def test_a_reply_counts_the_silos_utterances(host: SiloHost, weights: dict[str, np.ndarray]) -> None:
    reply = train(host, host.silo(2), TrainRequest(weights, 1), RecordDict())
    assert reply.utterances == 3
    assert np.isfinite(reply.loss)
    record = reply.to_record()
    assert dict(record.metric_records["metrics"]) == {
        "num-examples": 3,
        "uniform": 1,
        "loss": reply.loss,
        "audio-seconds": reply.audio_seconds,
    }


def test_more_steps_than_a_pass_go_on_with_the_next(host: SiloHost, weights: dict[str, np.ndarray]) -> None:
    host.recogniser.load(weights)
    losses = []
    for steps in (1, 2, 40):
        host.recogniser.load(weights)
        losses.append(local_steps(host, host.silo(0), TrainRequest(weights, 1, steps=steps)).loss)
    assert losses[2] < losses[0]


def test_the_proximal_term_holds_a_silo_back(host: SiloHost, weights: dict[str, np.ndarray]) -> None:
    longer = replace(host, training=replace(host.training, local_steps=8))

    def distance(proximal: float) -> float:
        found = train(longer, longer.silo(0), TrainRequest(weights, 1, proximal), RecordDict()).arrays
        return float(sum(((found[n] - weights[n]).astype(np.float64) ** 2).sum() for n in weights)) ** 0.5

    distances = [distance(strength) for strength in (0.0, 5.0, 15.0)]
    assert distances[0] > 1.2 * distances[1] > 1.2 * distances[2] > 0


def test_alone_is_scored_on_the_test_speakers(
    prepared: Prepared, host: SiloHost, weights: dict[str, np.ndarray]
) -> None:
    reply = train_alone(host, host.silo(0), TrainRequest(weights, 1, steps=2))
    test = prepared.part("test")
    assert len(reply.errors) == len(test.speakers) == 2
    assert sum(errors[3] for errors in reply.errors) == sum(len(u.text.split()) for u in test.utterances)
    assert reply.model_sha256 == digest(host.recogniser.weights())
    assert reply.errors == tuple(tuple(astuple(errors)) for errors in scored(host.recogniser, test).errors.values())


@pytest.mark.parametrize(("utterances", "silos"), [(10, 1), (7, 3), (12, 15), (96, 16), (5, 40), (192, 33)])
def test_each_test_utterance_is_decoded_by_eight_silos_or_all(utterances: int, silos: int) -> None:
    heard = Counter(place for silo in range(silos) for place in decoded_share(utterances, silo, silos))
    assert sorted(heard) == list(range(utterances))
    assert min(heard.values()) >= min(8, silos)
    assert max(heard.values()) - min(heard.values()) <= 1
    assert min(heard.values()) == silos or silos >= 16


def test_messages_survive_their_records() -> None:
    weights = {"a": np.float32([1, 2]), "b": np.float32([[3]])}
    request = TrainRequest.from_record(TrainRequest(weights, 7, 0.25, True, 3, ("a",), 9).to_record())
    assert replace(request, weights={}) == TrainRequest({}, 7, 0.25, True, 3, ("a",), 9)
    assert {n: a.tolist() for n, a in request.weights.items()} == {"a": [1, 2], "b": [[3]]}
    for errors in ((), ((1, 2, 3, 4, 5, 6), (0, 0, 0, 1, 0, 1))):
        reply = AloneReply(3, 0.5, "ab" * 32, errors, 12.5)
        assert AloneReply.from_record(reply.to_record()) == reply
        noisy = replace(reply, noisy=errors, noisy_decoded=errors[:1])
        assert AloneReply.from_record(noisy.to_record()) == noisy
        assert not {"noisy", "noisy-decoded"} & reply.to_record().metric_records["metrics"].keys()
    assert TrainReply(weights, 4, 1.5, 2.0).to_record().metric_records["metrics"]["num-examples"] == 4


def test_a_loss_that_is_none_is_not_sent_and_one_that_is_no_number_is() -> None:
    """Flower's own strategies want the same metrics of every silo, whether or not it could learn."""
    sent = [TrainReply({}, 4, loss, 2.0).to_record().metric_records["metrics"] for loss in (1.5, math.nan, None)]
    assert sent[0].keys() == sent[1].keys() == sent[2].keys() | {"loss"}
    assert "loss" not in sent[2]
    assert math.isnan(sent[1]["loss"])  # type: ignore[arg-type]


def test_a_silo_that_can_learn_nothing_trains_without_a_loss(host: SiloHost, weights: dict[str, np.ndarray]) -> None:
    silo = host.silo(0)
    overlong = tuple(replace(u, text="nine " * 200) for u in silo.speech.utterances)
    silo = replace(silo, speech=respoken(silo.speech, overlong))
    reply = train(host, silo, TrainRequest(weights, 1), RecordDict())
    assert math.isnan(reply.loss)  # type: ignore[arg-type]
    assert reply.utterances == len(overlong)
    assert all(np.isfinite(array).all() for array in reply.arrays.values())


def test_speech_survives_its_record(host: SiloHost) -> None:
    speech = host.silo(1).speech
    again = SpeechReply.from_record(SpeechReply(speech).to_record()).speech
    assert len(again) == len(speech)
    for index in range(len(speech)):
        ours, theirs = speech.utterances[index], again.utterances[index]
        assert (ours.id, ours.speaker, ours.text) == (theirs.id, theirs.speaker, theirs.text)
        assert theirs.duration_seconds == pytest.approx(ours.duration_seconds)
        np.testing.assert_array_equal(again.features(index), speech.features(index))
        assert again.frames(index) == speech.frames(index)
    with pytest.raises(ValueError, match="features"):
        again.utterances[0].audio.read(16_000)


def test_the_silos_speech_joins_to_the_whole(prepared: Prepared, host: SiloHost) -> None:
    parts = [host.silo(number).speech for number in range(len(prepared.partition.silos))]
    whole = joined([*parts, prepared.part("public_labelled")])
    assert len(whole) == sum(map(len, parts)) + len(prepared.part("public_labelled"))
    last = len(whole) - 1
    np.testing.assert_array_equal(
        whole.features(last), prepared.part("public_labelled").features(len(prepared.part("public_labelled")) - 1)
    )


def test_the_app_answers_every_kind_of_message(host: SiloHost, weights: dict[str, np.ndarray]) -> None:
    from flwr.app import Message, RecordDict

    grid = InProcess().open_grid(
        SiloApp(host, consent=Consent.of_row([SPEECH])), {n: {"partition-id": n} for n in range(4)}, host.streams
    )  # fmt: skip
    node = list(grid.get_node_ids())[2]
    request = TrainRequest(weights, 1).to_record()
    (trained,) = grid.send_and_receive([Message(request, node, "train")])
    assert trained.content.array_records["arrays"].keys() == weights.keys()
    request = TrainRequest(weights, 1, steps=1).to_record()
    (alone,) = grid.send_and_receive([Message(request, node, "train.alone")])
    assert AloneReply.from_record(alone.content).utterances == 3
    assert not alone.content.array_records
    for kind in ("train", "train.gradient"):
        (unpaid,) = grid.send_and_receive([Message(request, node, kind)])
        assert "set training.local_steps" in unpaid.error.reason
    (speech,) = grid.send_and_receive([Message(RecordDict(), node, "query.speech")])
    assert SpeechReply.from_record(speech.content).speech.speakers == host.silo(2).speech.speakers
    (unknown,) = grid.send_and_receive([Message(RecordDict(), node, "query.secrets")])
    assert unknown.has_error()


def test_masks_are_drawn_on_the_recognisers_device(host: SiloHost, monkeypatch: pytest.MonkeyPatch) -> None:
    where = "fedasr.common.randomness"
    assert device_of_masks(lambda: host.dice(host.silo(0), 1), where, monkeypatch) == str(ELSEWHERE)
