"""Models that stay in their silos: what each does, asked when the rounds are over."""

from __future__ import annotations

import logging

from flwr.app import ArrayRecord, ConfigRecord, Message, RecordDict

from fedasr.asr.word_errors import ErrorCounts
from fedasr.common.errors import RowError
from fedasr.grid.flower.identity import silo_of
from fedasr.messages.alone_reply import AloneReply
from fedasr.messages.kinds import OWN_MODEL
from fedasr.messages.records import ARRAYS, CONFIG
from fedasr.server.central import Central, PerSilo

log = logging.getLogger("fedasr")


class OwnModels:
    """What a strategy is besides, whose silos each end with a model of their own.

    Its client half is a `fedasr.silo.personal.PersonalHalf`. The row is scored as silos that train alone are: each
    silo's own model on the test speakers (and on speech that the silo holds out), and no single model comes of it.
    """

    def common(self, arrays: ArrayRecord) -> ArrayRecord:
        """Return what of the server's model a silo's own is made with; by default all of it."""
        return arrays


def ask_own_models(central: Central, common: ArrayRecord) -> None:
    """Note what each silo's own model does on the test speakers; nothing of it is counted as sent.

    Parameters
    ----------
    central : Central
    common : ArrayRecord
        What the server has in the end, of which a silo may need a part.

    Raises
    ------
    RowError
        Where no silo can say.
    """
    rounds, timeout = central.training.rounds, central.training.timeout_seconds
    content = RecordDict({ARRAYS: common, CONFIG: ConfigRecord({"server-round": rounds})})
    messages = [Message(content, node, OWN_MODEL.name) for node in central.grid.get_node_ids()]
    answers = central.grid.exchange(messages, round=rounds, timeout=timeout)
    central.grid.log.drain()
    for outcome in answers.failed:
        log.warning("%s: silo %d cannot score its own model: %s", central.row.name, outcome.request.silo, outcome.error)
    if not answers.answered:
        raise RowError(f"no silo could score its own model ({answers.failed[0].error})")
    good = {silo_of(r.metadata.src_node_id): r.content for r in answers.replies if r.has_content()}
    central.per_silo.update({silo: per_silo(AloneReply.from_record(content)) for silo, content in good.items()})


def per_silo(reply: AloneReply) -> PerSilo:
    """Return what a silo said of its own model."""
    errors, *others = (
        tuple(ErrorCounts(*each) for each in of)
        for of in (
            reply.errors, reply.held_out, reply.decoded, reply.held_out_decoded, reply.noisy, reply.noisy_decoded,
        )
    )  # fmt: skip
    return PerSilo(errors, reply.model_sha256, *others)
