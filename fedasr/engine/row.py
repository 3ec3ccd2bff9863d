"""Running one row: from the start to a scored model and its line of the summary."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from flwr.serverapp.strategy import Strategy

from fedasr.asr.recogniser import Weights, digest
from fedasr.asr.word_errors import ErrorCounts, by_speaker, total, wer_interval
from fedasr.common.errors import RowError
from fedasr.common.files import read_lines, write_json, write_lines
from fedasr.common.memory import PeakMemory
from fedasr.common.randomness import Streams
from fedasr.engine.compute_cost import compute_cost
from fedasr.engine.preparation import Prepared
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.row import RowSpec
from fedasr.grid.drop_out import DropOut
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.workers import Workers
from fedasr.network import build_network
from fedasr.protection.announcement import Announcement
from fedasr.protection.releases import Releases
from fedasr.runs.folder import METRICS, TRAFFIC, RowFolder
from fedasr.runs.model_file import MODEL, save_model
from fedasr.server.central import Central, PerSilo
from fedasr.server.round_clock import Clock
from fedasr.server.rounds import drive
from fedasr.server.scoring import Scorer
from fedasr.server.strategies_by_name import build_strategy, codec_of
from fedasr.silo.app import SILO, SiloApp
from fedasr.wire.codecs_by_name import codec_name

if TYPE_CHECKING:
    pass
from fedasr.engine.assembly import silo_host
from fedasr.engine.scores import SILO_UTTERANCES, SILOS_SCORED, _hypothesis, _silo_row
from fedasr.engine.summary import promise


@dataclass(frozen=True)
class RowRun:
    """One row about to run.

    Parameters
    ----------
    prepared : Prepared
    row : RowSpec
    seed : int
    start : mapping of str to ndarray
    folder : RowFolder
    workers : Workers
    watcher : Watcher
    """

    prepared: Prepared
    row: RowSpec
    seed: int
    start: Weights
    folder: RowFolder
    workers: Workers
    watcher: Watcher

    def __call__(self) -> dict[str, Any]:
        """Run the row, write its files and return its line of the summary, failed or finished."""
        begun = time.monotonic()
        summary = self._described()
        with PeakMemory() as memory:
            try:
                summary |= self._finished()
            except RowError as failure:
                self._releases.save()
                summary |= {"status": "failed", "failure": str(failure), **self._traffic(), **promise(self._releases)}
        summary |= {"wall_seconds": time.monotonic() - begun, "peak_memory_bytes": memory.bytes}
        self.folder.finish(summary)
        return summary

    @cached_property
    def _strategy(self) -> Strategy:
        training = self.prepared.experiment.training_of(self.row)
        return build_strategy(self.row, training, len(self.prepared.partition.silos))

    def _described(self) -> dict[str, Any]:
        row, training = self.row, self.prepared.experiment.training_of(self.row)
        empty = dict.fromkeys(
            ("wer", "wer_low", "wer_high", "cer", "insertions", "deletions", "substitutions", "development_wer",
             "epsilon", "delta", "privacy_unit", "adjacency", "epsilon_kind", "epsilon_empirical",
             "uplink_bytes", "downlink_bytes", "rounds", "model_sha256", "wer_spread", "note",
             "simulated_seconds", "simulated_communication_seconds", "training_cpu_seconds", "development_loss")
        )  # fmt: skip
        return {
            "name": row.name, "folder": self.folder.path.name, "status": "failed", "failure": None,
            "strategy": row.strategy, "objective": row.objective, "protection": row.protection,
            "codec": codec_name(codec_of(row, self._strategy)), "network": row.network, "seed": self.seed, **empty,
            "silos": len(self.prepared.partition.silos), "silos_per_round": training.silos_per_round or None,
            "refused_replies": 0,
        }  # fmt: skip

    def _finished(self) -> dict[str, Any]:
        if self.folder.load_checkpoint() is None:
            self.folder.rewind(-1)  # a run that was killed logged this row and saved nothing to go on from
        central = self._central(self._grid())
        weights = drive(self._strategy, central.grid, central)
        if weights is not None:
            weights = {name: np.asarray(array, np.float32) for name, array in weights.items()}
            save_model(self.folder.path / MODEL, weights, central.recogniser_spec, central.tokens)
            scores = self._scored(central, weights)
        else:
            scores = self._scored_alone(central.per_silo)
        central.releases.save()
        return {"status": "finished", **scores, **self._traffic(), **promise(central.releases)}

    def _grid(self) -> SiloGrid:
        host = silo_host(self.prepared, self.row, self.seed)
        nodes = {silo: {SILO: silo} for silo in range(len(self.prepared.partition.silos))}
        grid = self.workers.open_grid(SiloApp(host), nodes, host.streams)
        grid.codec = host.codec
        if host.protection is not None:
            grid.before_training = Announcement(self._releases, host.protection, host.training.local_steps)
        probability = build_network(self.row.network).drop_out
        grid.drop_out = DropOut(probability, Streams(self.seed)) if probability else None
        return grid

    def _central(self, grid: SiloGrid) -> Central:
        prepared, experiment = self.prepared, self.prepared.experiment
        self._releases.grid = grid
        scorer = Scorer(
            prepared.speech, prepared.folder, prepared.recogniser_spec, prepared.tokens, self.workers
        )  # fmt: skip
        return Central(
            row=self.row, training=experiment.training_of(self.row), trainer_spec=experiment.central,
            augment=experiment.augment, public_labelled=prepared.part("public_labelled"),
            public_unlabelled=prepared.part("public_unlabelled"), development=prepared.part("development"),
            # In the order in which checkpoints return them: codecs and residuals go by position.
            start=dict(sorted(self.start.items())), recogniser_spec=prepared.recogniser_spec, tokens=prepared.tokens,
            streams=Streams(self.seed, self.row.name), folder=self.folder, score=scorer,
            watch=self.watcher.round, grid=grid, loss=scorer.loss, clock=self._clock(), releases=self._releases,
        )  # fmt: skip

    @cached_property
    def _releases(self) -> Releases:
        streams = Streams(self.seed, self.row.name)
        return Releases(self.folder.path, streams, self.prepared.experiment.reproducible_noise)

    def _clock(self) -> Clock:
        network = build_network(self.row.network)
        cost = compute_cost(self.prepared, self.folder.path.parent)
        return Clock(network, cost.seconds_per_audio_second, Streams(self.seed))

    def _scored(self, central: Central, weights: Weights) -> dict[str, Any]:
        """Score the model on the test speakers and on the silos' own speech."""
        heard = central.score(weights, self.prepared.part("test"))
        write_lines(self.folder.path / "hypotheses.jsonl", [_hypothesis(h) for h in heard])
        self._score_silos(central, weights)
        speakers = by_speaker([h.utterance.speaker for h in heard], [h.errors for h in heard])
        return {"model_sha256": digest(weights), **self._errors(speakers)}

    def _score_silos(self, central: Central, weights: Weights) -> None:
        silos = range(len(self.prepared.partition.silos))
        chosen = sorted(Streams(self.seed).numpy("silos scored").permutation(silos)[:SILOS_SCORED].tolist())
        speech = {silo: self.prepared.silo_speech(silo, SILO_UTTERANCES) for silo in chosen}
        names = {u.id for part in speech.values() for u in part.utterances}
        heard = central.score(weights, self.prepared.speech.where(lambda u: u.id in names))
        errors = {h.utterance.id: h.errors for h in heard}
        rows = [
            _silo_row(silo, part.speakers, total([errors[u.id] for u in part.utterances]))
            for silo, part in speech.items()
        ]
        write_json(self.folder.path / "silos.json", {"on": "own speech", "silos": rows})

    def _scored_alone(self, models: Mapping[int, PerSilo]) -> dict[str, Any]:
        """Return the mean over silos of what each one's own model does, and the spread."""
        together = hashlib.sha256("".join(models[silo].model_sha256 for silo in sorted(models)).encode())
        names = sorted(self.prepared.partition.test)
        summary: dict[str, Any] = {"model_sha256": together.hexdigest()}
        if not names:
            return summary
        each = {silo: total(model.errors) for silo, model in models.items()}
        partition = self.prepared.partition.summary(self.prepared.speech.utterances)["silos"]
        rows = [_silo_row(silo, partition[silo]["speakers"], count) for silo, count in each.items()]
        write_json(self.folder.path / "silos.json", {"on": "test", "silos": rows})
        speakers = {name: total([m.errors[place] for m in models.values()]) for place, name in enumerate(names)}
        rates = [count.wer for count in each.values()]
        return {**summary, **self._errors(speakers), "wer_spread": [min(rates), max(rates)]}

    def _errors(self, speakers: Mapping[str, ErrorCounts]) -> dict[str, Any]:
        if not speakers:
            return {}
        write_json(self.folder.path / "speakers.json", [
            {"speaker": name, "errors": c.errors, "words": c.words, "wer": c.wer} for name, c in speakers.items()
        ])  # fmt: skip
        low, high = wer_interval(list(speakers.values()), Streams(self.seed).sequence("bootstrap"))
        counts = total(list(speakers.values()))
        errors = {f.name: getattr(counts, f.name) for f in fields(counts)[:3]}
        return {"wer": counts.wer, "wer_low": low, "wer_high": high, "cer": counts.cer, **errors}

    def _traffic(self) -> dict[str, Any]:
        """Return what the row's log adds up to."""
        lines = read_lines(self.folder.path / METRICS)
        traffic = read_lines(self.folder.path / TRAFFIC)
        sizes = {
            d: sum(t["blob_bytes"] + t["envelope_bytes"] for t in traffic if t["direction"] == d)
            for d in ("up", "down")
        }
        rates = [line["development_wer"] for line in lines if line["development_wer"] is not None]
        losses = [line["development_loss"] for line in lines if line["development_loss"] is not None]
        return {
            "uplink_bytes": sizes["up"], "downlink_bytes": sizes["down"],
            "rounds": max((line["round"] for line in lines), default=0),
            "refused_replies": sum(len(line["refused"]) for line in lines),
            "development_wer": rates[-1] if rates else None,
            "development_loss": losses[-1] if losses else None,
            "simulated_seconds": sum(line["simulated_seconds"] or 0.0 for line in lines),
            "simulated_communication_seconds": sum(line["simulated_communication_seconds"] or 0.0 for line in lines),
            "training_cpu_seconds": sum(line["training_cpu_seconds"] for line in lines),
        }  # fmt: skip
