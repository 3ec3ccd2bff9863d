"""What a node keeps of its introduction to a row: each message may come to a new process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import cast

from flwr.app import ConfigRecord, Message, RecordDict

from fedasr.common.errors import RowError
from fedasr.corpora.features.store import cache_folder
from fedasr.engine.node_speech import folder_of, node_host, prepare_own
from fedasr.engine.preparation import Prepared
from fedasr.experiment.row_spec import RowSpec
from fedasr.messages.elsewhere.introduction import Holding, Introduction
from fedasr.messages.kinds import INTRODUCTION
from fedasr.messages.records import CONFIG
from fedasr.silo.host import SiloHost

NODE = "fedasr.node"
"""The record of a node's state that says which introduction it was given, and where its prepared speech lies."""
Opened = tuple[Prepared, RowSpec, SiloHost]


def introduced(message: Message, state: RecordDict, silo: int, data: Path) -> RecordDict:
    """Answer an introduction, by preparing the node's speech, or an agreement, by noting it.

    It tells how many utterances the silo trains on, what it holds out not counted. That stays with a silo whose row
    protects it as a whole.
    """
    if message.metadata.message_type != INTRODUCTION.name:
        known = _known(state)
        known["smallest"] = message.content.config_records[CONFIG]["smallest"]
        return RecordDict()
    introduction = Introduction.from_record(message.content)
    introduction.save(_kept(introduction.digest))
    speech = prepare_own(introduction, data, silo)
    state[NODE] = ConfigRecord({"introduction": introduction.digest, "folder": str(folder_of(speech))})
    _, _, host = node_host(introduction, folder_of(speech), silo, len(speech))
    return Holding(1 if host.is_silent else len(host.silo(silo).speech)).to_record()


def opened_own(state: RecordDict, silo: int) -> Opened:
    """Return what a node's silo needs to know, of what it was told and has prepared.

    Raises
    ------
    RowError
        Where it was told nothing yet.
    """
    known = _known(state)
    smallest = int(cast(int, known.get("smallest", 0)))
    if not smallest:
        raise RowError("the node was not told how much the smallest silo holds")
    return _opened(str(known["introduction"]), str(known["folder"]), silo, smallest)


@lru_cache(maxsize=1)
def _opened(digest: str, folder: str, silo: int, smallest: int) -> Opened:
    return node_host(Introduction.load(_kept(digest)), Path(folder), silo, smallest)


def _known(state: RecordDict) -> ConfigRecord:
    record = state.get(NODE)
    if not isinstance(record, ConfigRecord):
        raise RowError("the node was asked before it was introduced to the row; set corpus.partition = 'nodes'")
    return record


def _kept(digest: str) -> Path:
    return cache_folder() / "introductions" / f"{digest}.safetensors"
