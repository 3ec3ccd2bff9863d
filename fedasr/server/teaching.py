"""Where an objective asks for a teacher, it is sent to the silos before their first round."""

from __future__ import annotations

from flwr.app import Message, RecordDict

from fedasr.common.errors import RowError
from fedasr.experiment.choices import objective_of
from fedasr.messages.kinds import TARGETS
from fedasr.messages.records import ARRAYS, array_record
from fedasr.server.central import Central
from fedasr.training.targets.asked import TEACHER_ROLE


def send_teacher(central: Central) -> None:
    """Send the teacher to all silos, where the row's objective asks for one and the row is not gone on with.

    Raises
    ------
    RowError
        Where a silo cannot be taught: it could not train.
    """
    if objective_of(central.row).asked_of_teacher is None or central.folder.load_checkpoint() is not None:
        return
    content = RecordDict({ARRAYS: array_record(central.start_of(TEACHER_ROLE))})
    messages = [Message(content, node, TARGETS.name) for node in sorted(central.grid.get_node_ids())]
    answers = central.grid.exchange(messages, round=0, timeout=central.training.timeout_seconds)
    if answers.failed:
        raise RowError(f"{len(answers.failed)} silos could not be taught: {answers.failed[0].error}")
