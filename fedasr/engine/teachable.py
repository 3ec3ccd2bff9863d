"""What a row that learns from a teacher asks of its strategy, its recognisers and the experiment."""

from __future__ import annotations

from collections.abc import Iterator

from flwr.serverapp.strategy import Strategy

from fedasr.asr.decoding.decoding_spec import SILOS
from fedasr.asr.heads.head import HEADS, Head
from fedasr.asr.recogniser import RecogniserSpec
from fedasr.experiment.choices import objective_of, protection_of
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.model import MADE_STARTS
from fedasr.experiment.row_spec import RowSpec
from fedasr.server.foreign.own_loop import wants_central
from fedasr.training.targets.asked import DECODED_TEXT, NO_TEXT, TEACHER_ROLE

UNTRAINED = MADE_STARTS[1]


def unteachable(experiment: Experiment, row: RowSpec, strategy: Strategy) -> Iterator[tuple[str, str]]:
    """Yield the keys of a row and why it cannot be taught; nothing where its objective asks for no teacher."""
    objective = objective_of(row)
    asked = objective.asked_of_teacher
    if asked is None:
        return
    if objective.hears_public:
        yield from _without_self_training(experiment, row, strategy)
    elif not getattr(strategy, "is_taught", not wants_central(strategy)):
        yield "objective", f"'{row.objective}' needs a teacher, and '{row.strategy}' asks none; set another strategy"
    if experiment.roles and TEACHER_ROLE not in experiment.roles:
        yield "objective", f"there is no [roles.{TEACHER_ROLE}]{_other_roles(experiment)}"
    if experiment.model.start == UNTRAINED and row.parent is None:
        yield "objective", f"an untrained teacher knows nothing, and model.start is '{UNTRAINED}'; set it to 'public'"
    teacher, student = (experiment.model_of(role).recogniser() for role in (TEACHER_ROLE, row.role))
    if asked.text == NO_TEXT:
        yield from _without_frames(teacher, student)
    elif student.is_aligned:
        yield (
            "objective_options",
            f"a head '{student.head}' labels frames, and a text says of none; set targets = 'frames'",
        )
    if asked.text == DECODED_TEXT and experiment.decoding.is_greedy:
        yield "objective_options", "targets = 'decoded' needs something to decode by; set decoding.method"
    if asked.text == DECODED_TEXT and experiment.decoding.text == SILOS:
        yield "objective_options", "decoding.text = 'silos' would tell silos what others said; leave it out"


def _without_self_training(experiment: Experiment, row: RowSpec, strategy: Strategy) -> Iterator[tuple[str, str]]:
    if not getattr(strategy, "is_self_taught", False):
        where = f"'{row.strategy}' trains nobody there, or for no epochs"
        yield "objective", f"'{row.objective}' learns public speech at the centre, and {where}; set another"
    if not experiment.corpus.unlabelled_speakers:
        yield "objective", f"'{row.objective}' needs public unlabelled speech; set corpus.unlabelled_speakers"


def _other_roles(experiment: Experiment) -> str:
    """Return which roles there are instead of a teacher's."""
    return f", only {', '.join(f'[roles.{role}]' for role in experiment.roles)}; name it so, or leave all out"


def ill_matched(
    experiment: Experiment, row: RowSpec, strategy: Strategy, is_promised: bool
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """Yield the keys of a row and why its objective does not go with what else it chose."""
    objective, protection, rounds = objective_of(row), protection_of(row), experiment.training_of(row).rounds
    in_silos = not wants_central(strategy)
    if is_promised and not objective.learns_private:
        yield "objective", f"'{row.objective}' learns public speech alone, of which no promise is needed; set another"
    if objective.orders_batches and protection.lot is not None:
        yield "protection", f"draws lots of its own, which undo what '{row.objective}' orders; set 'distilled'"
    if in_silos and rounds < objective.least_rounds:
        yield "training", f"{rounds} rounds are too few for a round of each kind; set rounds = {objective.least_rounds}"
    mixes = objective.hears_public or (objective.orders_batches and in_silos)
    if experiment.work.utterances and (mixes or not objective.learns_private):
        why = "takes gradients on public speech too, which are not those of [work]"
        yield "objective", f"'{row.objective}' {why}; leave [work] out and state rounds"


def _without_frames(teacher: RecogniserSpec, student: RecogniserSpec) -> Iterator[tuple[str, str]]:
    for head in dict.fromkeys((teacher.head, student.head)):
        if HEADS.find(head).frame_scores is Head.frame_scores:
            yield "objective", f"the head '{head}' scores no frames; set model.head = 'ctc', or targets = 'greedy'"
    if teacher.frames_stacked != student.frames_stacked:
        unlike = (
            f"a teacher's frame is {10 * teacher.frames_stacked} ms and a student's {10 * student.frames_stacked} ms"
        )
        yield "objective", f"{unlike}; give both roles one subsampling"
