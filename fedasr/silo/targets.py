"""What a silo does when it is sent a teacher: the teacher hears its speech, and what it says stays in the silo."""

from __future__ import annotations

import json
from pathlib import Path

from flwr.app import ConfigRecord, MetricRecord, RecordDict

from fedasr.common.errors import RowError
from fedasr.corpora.features.store import cache_folder
from fedasr.messages.records import METRICS, array_records, arrays_of
from fedasr.runs.stages.taught import bound_to, found_or_stored, targets_stage
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.training.targets.asked import TEACHER_ROLE
from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.stored import StoredTeacher, stored_facts

TARGETS = "targets"
"""The record of a silo's state that says which of its targets it learns from."""


def make_targets(host: SiloHost, silo: Silo, content: RecordDict, state: RecordDict) -> RecordDict:
    """Store what a message's teacher says of the silo's own speech, unless an earlier row did.

    The reply says how many frames and bytes that is, and nothing at all under a guarantee, which covers no count.

    Raises
    ------
    RowError
        Where the row's objective asks for no teacher, or the run folder does not lie on this machine.
    """
    asked = host.objective.asked_of_teacher
    if asked is None:
        raise RowError("a teacher was sent, and the row's objective asks for none")
    of_teacher = host.in_role(TEACHER_ROLE)
    of_teacher.recogniser.load(arrays_of(next(iter(array_records(content).values()))))
    stage = targets_stage(of_teacher.recogniser, silo.speech, asked, host.decoder)
    place = _base(host) / f"silo-{silo.number}" / stage.key
    facts = found_or_stored(place, stage, of_teacher.recogniser, silo.speech, asked, host.decoder)
    if host.stages is not None:
        host.stages.note(silo.number, stage)
    binding = bound_to(stage, of_teacher.recogniser, asked)
    state[TARGETS] = ConfigRecord({"stage": stage.key, "binding": json.dumps(binding.to_json())})
    told = MetricRecord() if host.is_guarded else MetricRecord({"frames": facts.frames, "bytes": facts.bytes})
    return RecordDict({METRICS: told})


def stored_teacher(host: SiloHost, silo: Silo, state: RecordDict) -> StoredTeacher | None:
    """Return what is stored of the silo's teacher, None where it was sent none.

    Raises
    ------
    RowError
        Where what was stored is not there any more.
    """
    record = state.get(TARGETS)
    if not isinstance(record, ConfigRecord):
        return None
    folder = _base(host) / f"silo-{silo.number}" / str(record["stage"])
    known = host.memory(KnownTeachers)
    if folder not in known and stored_facts(folder) is None:
        raise RowError(f"silo {silo.number}: what its teacher said is gone from the run folder; start the row anew")
    binding = TargetBinding.from_json(json.loads(str(record["binding"])))
    return known.setdefault(folder, StoredTeacher(folder, binding))


class KnownTeachers(dict[Path, StoredTeacher]):
    """What a process has opened of its silos' targets: a cache, whose loss changes nothing but time."""


def _base(host: SiloHost) -> Path:
    """Return where targets lie: with the run's other stages; on a machine that has not its folder, in the cache."""
    if host.stages is not None and host.stages.path.is_dir():
        return host.stages.path
    return cache_folder() / "targets"
