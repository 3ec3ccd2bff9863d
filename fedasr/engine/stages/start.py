"""The start: the model that every row begins from, trained once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, best_device, digest
from fedasr.common.errors import RowError, UserError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.common.randomness import Streams, seeded_libraries
from fedasr.engine.preparation import DividedCorpus, Prepared
from fedasr.engine.stages.origin import declared_public
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.model import AS_RECORDED, MADE_STARTS
from fedasr.runs.heard import HeardSpeech
from fedasr.runs.model_file import load_model, load_provenance, save_model
from fedasr.runs.provenance import Provenance
from fedasr.runs.stages.facts import computed_by, examples_digest
from fedasr.runs.stages.stage import Stage
from fedasr.server.progress import Progress
from fedasr.student.trainer import CentralTrainer
from fedasr.training.holdings import Holdings
from fedasr.training.learner import Learner
from fedasr.training.objectives.supervised import Supervised

PUBLIC = MADE_STARTS[0]


def load_start(prepared: Prepared | DividedCorpus) -> Weights | None:
    """Return the weights of a start that is a file, checked against the experiment's recogniser.

    Raises
    ------
    UserError
        Where the file is no model, or one of another shape or other tokens.
    """
    start = prepared.experiment.model.start
    if start in MADE_STARTS:
        return None
    recogniser = load_model(Path(start))
    if recogniser.spec != prepared.recogniser_spec:
        raise UserError(f"model.start: {start} holds a recogniser of another shape; set [model] to its own")
    if recogniser.tokens.to_json() != prepared.tokens.to_json():
        raise UserError(f"model.start: {start} writes other tokens than the public text gives; train it anew")
    return recogniser.weights()


def make_start(prepared: Prepared, seed: int, path: Path, watcher: Watcher) -> Weights:
    """Return the start of a seed, read from `path` where it was made before."""
    if path.exists():
        return load_arrays(path)[0]
    weights = load_start(prepared)
    past = _past_of_made(prepared) if weights is None else _past_of_file(prepared).beside(_past_of_alignments(prepared))
    weights = weights or _made(prepared, seed, path, watcher)
    _save(path, weights, prepared, prepared.recogniser_spec, past)
    return weights


def make_role_start(prepared: Prepared, role: str, seed: int, path: Path, watcher: Watcher) -> Weights:
    """Return the start of a role whose recogniser has a shape of its own, made as the experiment's is.

    Raises
    ------
    RowError
        Where the experiment's start is a file: it has one shape.
    """
    if path.exists():
        return load_arrays(path)[0]
    if prepared.experiment.model.start not in MADE_STARTS:
        raise RowError(f"roles.{role}: model.start is a file, which has one shape; set it to 'public' or 'scratch'")
    weights = _made(prepared, seed, path, watcher, role)
    _save(path, weights, prepared, prepared.roles[role], _past_of_made(prepared))
    return weights


def checkpoint_of(path: Path) -> Path:
    """Return where a start that is not yet trained to its end is kept."""
    return path.with_suffix(f".unfinished{path.suffix}")


def _past_of_made(prepared: Prepared) -> Provenance:
    """Return what a start has heard that the run makes."""
    is_trained = prepared.experiment.model.start == PUBLIC
    return Provenance(prepared.heard_public if is_trained else HeardSpeech()).beside(_past_of_alignments(prepared))


def _past_of_alignments(prepared: Prepared) -> Provenance:
    """Return what the model has heard that told all silos where their words are, if one did."""
    path = prepared.experiment.model.alignments
    return load_provenance(Path(path)) if path else Provenance()


def _past_of_file(prepared: Prepared) -> Provenance:
    """Return what a start has heard that is a file, as recorded there or as the experiment declares."""
    model = prepared.experiment.model
    found = load_provenance(Path(model.start))
    return found if model.start_speech == AS_RECORDED else declared_public(found, Path(model.start).name, prepared)


def _save(
    path: Path, weights: Weights, prepared: Prepared, spec: RecogniserSpec, provenance: Provenance
) -> None:  # fmt: skip
    save_model(path, weights, spec, prepared.tokens, prepared.experiment.corpus.text, provenance)
    checkpoint_of(path).unlink(missing_ok=True)


def _made(prepared: Prepared, seed: int, path: Path, watcher: Watcher, role: str = "") -> Weights:
    streams, of_role = Streams(seed), f" {role}" if role else ""
    with seeded_libraries(streams.sequence(f"initialisation{of_role}")):
        recogniser = Recogniser(prepared.roles.get(role, prepared.recogniser_spec), prepared.tokens)
    experiment = prepared.experiment
    if experiment.model.start == PUBLIC:
        speech = prepared.part("public_labelled")
        watcher.stage(f"start{of_role}: {len(speech)} labelled public utterances")
        recogniser, held = recogniser.to(best_device()), Holdings(public=speech)
        size, seconds = experiment.start.batch_size, experiment.start.batch_seconds
        learner = Learner(recogniser, Supervised(), held, experiment.augment, size, batch_seconds=seconds)
        trainer = CentralTrainer(learner, experiment.start, streams, f"start{of_role}")
        _train(trainer, start_stage(trainer), checkpoint_of(path), watcher)
    return recogniser.weights()


def start_stage(trainer: CentralTrainer) -> Stage:
    """Return the stage of a start that is about to be trained: no unlabelled transcript is among its facts."""
    learner = trainer.learner
    recogniser = learner.recogniser
    return Stage("start", {
        "weights": digest(recogniser.weights()), "speech": examples_digest(learner.examples, learner.augment.speeds),
        "training": trainer.spec, "augment": learner.augment, "streams": trainer.streams, "purpose": trainer.purpose,
        "recogniser": recogniser.spec, "tokens": recogniser.tokens.to_json(), "computed_by": computed_by(recogniser),
    })  # fmt: skip


def _train(trainer: CentralTrainer, stage: Stage, checkpoint: Path, watcher: Watcher) -> None:
    """Train to the end, from the last epoch that a run of the same stage was killed after."""
    with suppress(UserError):  # there is none, or it is damaged: from the beginning
        arrays, about = load_arrays(checkpoint)
        if about.get("stage") == stage.key:
            trainer.restore(arrays)

    def keep() -> None:
        save_arrays(checkpoint, trainer.state(), {"stage": stage.key, "epoch": trainer.epoch})

    def after_epoch(epoch: int, loss: float | None) -> None:
        keep()
        watcher.round(Progress("start", epoch, trainer.epochs, loss))

    trainer.run(after_epoch, keep)
