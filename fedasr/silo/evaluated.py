"""What a silo does when it is asked to evaluate a model: it scores it on speech of its own that no training heard."""

from __future__ import annotations

from flwr.app import RecordDict

from fedasr.common.errors import RowError
from fedasr.messages.evaluate_reply import EvaluateReply
from fedasr.messages.records import array_records, arrays_of
from fedasr.silo.host import SiloHost
from fedasr.silo.scored import scored
from fedasr.silo.silo import Silo


def evaluate(host: SiloHost, silo: Silo, content: RecordDict) -> EvaluateReply:
    """Score the model of a message, as any Flower strategy writes it; errors as `held_out_score`."""
    host.recogniser.load(arrays_of(next(iter(array_records(content).values()))))
    return held_out_score(host, silo)


def held_out_score(host: SiloHost, silo: Silo) -> EvaluateReply:
    """Score the weights that the host's recogniser holds, sent or the silo's own, on the silo's held-out speech.

    Raises
    ------
    RowError
        Where the silo holds none, and under a guarantee: a loss or an error rate of private speech is a release that
        nothing pays for.
    """
    if host.is_guarded:
        raise RowError("under a guarantee nothing pays for what a model does on a silo's own speech")
    if not len(silo.held_out):
        raise RowError("the silo holds no speech out to evaluate on; set corpus.held_out")
    found = scored(host.recogniser, silo.held_out)
    return EvaluateReply(found.utterances, found.loss, found.total.wer)
