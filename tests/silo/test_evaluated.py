"""Speech that silos hold out: training never hears it, and evaluation hears nothing else."""

import math
from dataclasses import replace

import jiwer
import numpy as np
import pytest
import torch
from flwr.app import Message, RecordDict

from fedasr.asr.batch import make_batch
from fedasr.asr.recogniser import Recogniser, Weights, digest
from fedasr.common.errors import RowError
from fedasr.common.randomness import Streams
from fedasr.corpora.holding_out import hold_out
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.in_process import InProcess
from fedasr.messages.elsewhere.consent import Consent
from fedasr.messages.evaluate_reply import EvaluateReply
from fedasr.messages.kinds import EVALUATE, SPEECH
from fedasr.messages.records import array_record
from fedasr.messages.speech_reply import SpeechReply
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.app import SILO, SiloApp
from fedasr.silo.evaluated import evaluate
from fedasr.silo.host import SiloHost
from fedasr.silo.train import train
from fedasr.silo.work import Work

PRIVATE = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1, "clip_norm": 0.5}}


@pytest.fixture
def weights(unequal: Prepared) -> Weights:
    torch.manual_seed(0)
    return Recogniser(unequal.recogniser_spec, unequal.tokens).weights()


def _host(unequal: Prepared, share: float = 0.5, **row: object) -> SiloHost:
    parted = replace(unequal, partition=hold_out(unequal.partition, share, Streams(4)))
    return silo_host(parted, RowSpec("row", "fedavg", **row), 4)


def test_training_is_as_if_what_is_held_out_were_not_there(unequal: Prepared, weights: Weights) -> None:
    host = _host(unequal)
    absent = replace(host, partition=replace(host.partition, held_out=()))
    for number in range(len(host.partition.silos)):
        silo, request = host.silo(number), TrainRequest(weights, 1, epochs=2)
        assert len(silo.held_out) > 0
        assert not {u.id for u in silo.speech.utterances} & {u.id for u in silo.held_out.utterances}
        found = train(host, silo, request, RecordDict())
        bare = train(absent, absent.silo(number), request, RecordDict())
        assert (digest(found.arrays), found.utterances) == (digest(bare.arrays), len(silo.speech))


def test_only_what_is_trained_on_is_given_away(unequal: Prepared) -> None:
    host = _host(unequal)
    grid = InProcess().open_grid(
        SiloApp(host, consent=Consent.of_row((SPEECH,))), {n: {SILO: n} for n in range(4)}, host.streams
    )
    messages = [Message(RecordDict(), node, SPEECH.name) for node in grid.get_node_ids()]
    for own, reply in zip(host.partition.silos, grid.send_and_receive(messages), strict=True):
        assert [u.id for u in SpeechReply.from_record(reply.content).speech.utterances] == list(own)


def test_a_reply_is_the_mean_loss_and_the_errors_of_what_is_held_out(unequal: Prepared, weights: Weights) -> None:
    host = _host(unequal)
    content = RecordDict({"arrays": array_record(weights)})
    model = Recogniser(unequal.recogniser_spec, unequal.tokens)
    model.load(weights)
    for number in range(len(host.partition.silos)):
        held = host.silo(number).held_out
        losses, said, heard = [], [], []
        for place in range(len(held)):  # one by one, where the silo hears batches
            batch = make_batch([held.features(place)], [unequal.tokens.encode(held.text(place))])
            losses.append(float(model.losses(batch).detach()))
            said.append(held.text(place))
            heard += model.transcribe(batch)
        reply = evaluate(host, host.silo(number), content)
        assert reply.utterances == len(held)
        assert reply.loss == pytest.approx(np.mean(losses), rel=1e-4)
        assert reply.wer == pytest.approx(jiwer.wer(said, heard))
        assert EvaluateReply.from_record(reply.to_record()) == reply


def test_a_client_half_scores_whatever_model_it_likes(unequal: Prepared, weights: Weights) -> None:
    """Its own, say: what a silo keeps and never sends."""
    host = _host(unequal)
    work = Work(host, host.silo(1), EVALUATE, 3, RecordDict())
    own = {name: array + np.float32(0.05) for name, array in weights.items()}
    work.recogniser.load(own)
    expected = evaluate(host, work.silo, RecordDict({"arrays": array_record(own)}))
    work.recogniser.load(own)
    assert EvaluateReply.from_record(work.evaluated()) == expected
    assert expected != evaluate(host, work.silo, RecordDict({"arrays": array_record(weights)}))
    assert work.held_out.utterances == work.silo.held_out.utterances


def test_what_was_trained_on_or_asked_before_does_not_matter(unequal: Prepared, weights: Weights) -> None:
    host, content = _host(unequal), RecordDict({"arrays": array_record(weights)})
    first = evaluate(host, host.silo(2), content)
    train(host, host.silo(0), TrainRequest(weights, 1), RecordDict())
    evaluate(host, host.silo(1), content)
    assert evaluate(host, host.silo(2), content) == first


def test_a_silo_without_held_out_speech_and_one_under_a_guarantee_say_so(unequal: Prepared, weights: Weights) -> None:
    content = RecordDict({"arrays": array_record(weights)})
    for host, told in (
        (_host(unequal, share=0.0), "set corpus.held_out"),
        (_host(unequal, **PRIVATE), "under a guarantee"),
        (_host(unequal, protection="silo-noise"), "under a guarantee"),
    ):
        with pytest.raises(RowError, match=told):
            evaluate(host, host.silo(0), content)


def test_a_loss_that_no_transcript_has_is_no_number() -> None:
    reply = EvaluateReply.from_record(EvaluateReply(2, math.nan, 1.0).to_record())
    assert math.isnan(reply.loss)
