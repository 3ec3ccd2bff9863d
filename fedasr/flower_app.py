"""The Flower app: the ServerApp and the ClientApp that ``flwr run`` and real SuperNodes start.

Both read the same run configuration: ``experiment``, ``row``, ``data``, ``settings`` (as ``--set`` takes
them, with semicolons between), ``seed`` (-1 for the experiment's own), ``out`` and ``wait-seconds``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from flwr.app import Context, Error, Message
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from rich.console import Console

from fedasr import api
from fedasr.common.errors import RowError, UserError
from fedasr.common.randomness import seeded_libraries
from fedasr.common.threads import one_thread
from fedasr.engine.assembly import row_client, row_strategy, silo_host
from fedasr.engine.introduced import Opened, introduced, opened_own
from fedasr.engine.preparation import prepare_experiment
from fedasr.engine.request import requested
from fedasr.engine.watchers.terminal import PlainWatcher
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.grid.flower.flower_grid import COST_RECORD, FlowerWorkers, cost_record
from fedasr.grid.flower.identity import CLIENT_APP_FAILED
from fedasr.grid.flower.registration import silo_record
from fedasr.messages.elsewhere.consent import ALLOW, Consent
from fedasr.messages.kinds import AGREEMENT, INTRODUCTION, SILO_NUMBER, kind_of
from fedasr.messages.records import arrays_alone
from fedasr.server.strategies_by_name import asked_by, codec_of
from fedasr.silo.app import SILO, SiloApp
from fedasr.silo.elsewhere import answer_elsewhere
from fedasr.silo.host import SiloHost

DATA = "data"
"""The key of a node's configuration that names its own speech: a manifest, or the folder that holds it."""
NUM_PARTITIONS = "num-partitions"
"""The key by which a node of Flower's simulation engine is known."""
log = logging.getLogger("fedasr")
server = ServerApp()


@server.main()
def main(grid: Grid, context: Context) -> None:
    """Run one row on Flower's nodes and write a run folder, as ``python -m fedasr.simulate`` does."""
    config = context.run_config
    workers = FlowerWorkers(grid, float(config["wait-seconds"]))
    watcher = PlainWatcher(Console(stderr=True))
    out = Path(str(config["out"])) if config["out"] else None
    result = api.run(experiment_of(config), out=out, grid=workers, workers=1, watcher=watcher)
    if result.failed:
        raise RowError(str(result.rows[0]["failure"]))


def experiment_of(config: Mapping[str, Any]) -> Experiment:
    """Return the experiment of a run configuration: one row with one seed.

    Raises
    ------
    UserError
        Where it describes none.
    """
    data = Path(config["data"]) if config["data"] else None
    settings = [text.strip() for text in str(config["settings"]).split(";") if text.strip()]
    seeds = [int(config["seed"])] if int(config["seed"]) >= 0 else []
    rows = [str(config["row"])] if config["row"] else []
    experiment = requested(str(config["experiment"]), data, rows, settings, seeds, None)
    if len(experiment.rows()) != 1:
        raise UserError(f"--run-config: {experiment.name} has {len(experiment.rows())} rows; name one with row='…'")
    return experiment


class NodeApp(ClientApp):
    """Answers for the silo that a node's ``partition-id`` names.

    What all silos share is worked out from the run configuration, once a process. What the silo keeps changes with a
    reply alone, and goes back to what it was where the next message says that the reply was not accepted.
    """

    def __call__(self, message: Message, context: Context) -> Message:
        """Answer one message; what goes wrong is one line of the reply."""
        try:
            return self._reply(message, context)
        except Exception as failure:
            reason = f"{type(failure).__name__}: {failure}".splitlines()[0]
            return Message(Error(CLIENT_APP_FAILED, reason), reply_to=message)

    def _reply(self, message: Message, context: Context) -> Message:
        silo, kind, data = _silo(context), message.metadata.message_type, _data(context)
        if kind == SILO_NUMBER.name:
            return Message(silo_record(silo, data is not None), reply_to=message)
        if data is not None and kind in (INTRODUCTION.name, AGREEMENT.name):
            return Message(introduced(message, context.state, silo, data), reply_to=message)
        consent = Consent.of_node(context.node_config)
        refusal = None if _is_simulated(context) else consent.refusal(message, kind_of(kind))
        if refusal is not None:
            return refusal
        prepared, row, host = _opened(context, silo, data)
        strategy, client = row_strategy(prepared, row), row_client(prepared, row)
        app = SiloApp(host, client, Consent.of_row(asked_by(strategy)) if _is_simulated(context) else consent)()
        declared = client.kinds() if client else {}
        stream = host.streams.sequence(f"app {kind}", int(message.metadata.group_id or 0), silo)
        begun = time.thread_time()
        with one_thread(), seeded_libraries(stream), _reasons_stay(host):
            known = declared.get(kind) or kind_of(kind)
            reply = answer_elsewhere(app, known, codec_of(row, strategy), message, context)
        if not reply.has_content():
            return reply
        if host.is_silent:
            return Message(arrays_alone(reply.content), reply_to=message)
        if not host.is_guarded:
            reply.content[COST_RECORD] = cost_record(time.thread_time() - begun)
        return reply


@contextmanager
def _reasons_stay(host: SiloHost) -> Iterator[None]:
    """Where a guarantee covers a silo's answers, log here why it failed, and tell the server no more than that."""
    try:
        yield
    except Exception as failure:
        if not host.is_guarded:
            raise
        log.warning("the silo failed", exc_info=True)
        raise RowError("the silo failed; its own log says why") from failure


def _silo(context: Context) -> int:
    if SILO not in context.node_config:
        raise UserError(f"the node has no {SILO}; start its SuperNode with --node-config '{SILO}=0' or another silo")
    return int(context.node_config[SILO])


def _is_simulated(context: Context) -> bool:
    """Return whether the node is one of Flower's simulation engine: there the row says what is allowed."""
    return NUM_PARTITIONS in context.node_config and ALLOW not in context.node_config


def _data(context: Context) -> Path | None:
    """Return where the node's own speech lies; None where the experiment's corpus is there for all nodes."""
    data = context.node_config.get(DATA)
    return Path(str(data)) if data else None


def _opened(context: Context, silo: int, data: Path | None) -> Opened:
    """Return what the node's silo needs to know: of the server's introduction, or of the run configuration."""
    if data is None:
        return _shared(tuple(sorted(context.run_config.items())))
    return opened_own(context.state, silo)


@lru_cache(maxsize=1)
def _shared(config: tuple[tuple[str, Any], ...]) -> Opened:
    """Return what the silos of a run share whose corpus every node can read."""
    experiment = experiment_of(dict(config))
    row, seed = experiment.rows()[0]
    prepared = prepare_experiment(experiment, 1, Watcher())
    return prepared, row, silo_host(prepared, row, seed)


client = NodeApp()
