"""What a row is put together from: its silos and their protection, its grid, its releases and its centre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

from flwr.app import RecordDict
from flwr.serverapp.strategy import Strategy

from fedasr.asr.recogniser import Weights
from fedasr.common.randomness import Streams
from fedasr.engine.compute_cost import compute_cost
from fedasr.engine.equal_work import RowAtWork
from fedasr.engine.preparation import Prepared
from fedasr.engine.pseudo_silos import opened
from fedasr.engine.sized_protection import sized_boundary, sized_plan, units_of
from fedasr.engine.stages.ancestry import Ancestry
from fedasr.engine.stages.origin import Origin, origin_of
from fedasr.engine.stages.start import make_role_start
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.choices import objective_of
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.grid.drop_out import DropOut
from fedasr.grid.rules import Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.workers import Workers
from fedasr.messages.elsewhere.consent import Consent
from fedasr.messages.kinds import Kind
from fedasr.network import build_network
from fedasr.protection.announcement import Announcement
from fedasr.protection.boundary import Boundary
from fedasr.protection.releases import Releases
from fedasr.runs.folder import Run
from fedasr.runs.model_file import load_provenance
from fedasr.runs.row_folder import RowFolder
from fedasr.runs.stages.stage_folder import StageFolder
from fedasr.server.central import Central
from fedasr.server.client_of import client_of
from fedasr.server.protected.coverage import boundary_protection
from fedasr.server.round_clock import Clock
from fedasr.server.scored_model import ScoredModel
from fedasr.server.scoring import Scorer
from fedasr.server.simulator_view import SimulatorView
from fedasr.server.strategies_by_name import asked_by, build_strategy, codec_of
from fedasr.silo.app import SILO, SiloApp
from fedasr.silo.client import ClientHalf
from fedasr.silo.heeded import as_asked, check_planned, check_records
from fedasr.silo.host import SiloHost
from fedasr.training.iterates import MEAN
from fedasr.training.taken import Taken
from fedasr.wire.codec import Codec


def in_its_role(
    prepared: Prepared, row: RowSpec, seed: int, start: Weights, run: Run, watcher: Watcher
) -> tuple[Prepared, Weights]:  # fmt: skip
    """Return the speech and the start of a row that trains the recogniser of a role; of any other, what is given."""
    if row.role not in prepared.roles:
        return prepared, start
    return prepared.in_role(row.role), make_role_start(
        prepared, row.role, seed, run.start_path(seed, row.role), watcher
    )


@dataclass(frozen=True)
class Assembly:
    """The parts of one row about to run.

    Parameters
    ----------
    prepared : Prepared
    row : RowSpec
    seed : int
    start : mapping of str to ndarray
    folder : RowFolder
    workers : Workers
    watcher : Watcher
    ancestry : Ancestry or None
        The rows behind it, where it does not begin from the experiment's start.
    stages : StageFolder or None
        Where its silos find what other rows computed; a row that is opened again finds nothing and keeps nothing.
    left_behind : tuple of int
        The silos that the start serves worst.
    """

    prepared: Prepared
    row: RowSpec
    seed: int
    start: Weights
    folder: RowFolder
    workers: Workers
    watcher: Watcher
    ancestry: Ancestry | None = None
    stages: StageFolder | None = None
    left_behind: tuple[int, ...] = ()

    @property
    def training(self) -> TrainingSpec:
        """The row's rounds and local work."""
        return self.prepared.experiment.training_of(self.row)

    @property
    def streams(self) -> Streams:
        """The row's dice."""
        return row_streams(self.prepared.experiment, self.row, self.seed)

    @cached_property
    def strategy(self) -> Strategy:
        """The row's strategy."""
        return row_strategy(self.prepared, self.row)

    @property
    def codec(self) -> Codec:
        """What the row's replies travel as."""
        return codec_of(self.row, self.strategy)

    @cached_property
    def client(self) -> ClientHalf | None:
        """The client half of the row's algorithm, where it has one of its own."""
        return client_of(self.row, self.strategy, self.training)

    @cached_property
    def boundary(self) -> Boundary | None:
        """The row's protection, sized, where it is one at the silos' boundary; errors as `sized_boundary`."""
        return sized_boundary(self.row, self.strategy, self.training, len(self.prepared.partition.silos))

    @property
    def begins_from(self) -> Weights:
        """The model that the row begins from; in the order of checkpoints: codecs and residuals go by position."""
        start = self.ancestry.weights(self.keeps_codec) if self.ancestry else self.start
        return dict(sorted(start.items()))

    @cached_property
    def origin(self) -> Origin:
        """What the model that the row begins from has heard, as its silos must take it."""
        if self.ancestry is not None:
            return origin_of(self.ancestry.provenance(self.keeps_codec), self.prepared)
        run = Run(self.folder.path.parent, self.prepared.experiment)
        of_role = run.start_path(self.seed, self.row.role)
        path = of_role if of_role.exists() else run.start_path(self.seed)
        return origin_of(load_provenance(path), self.prepared)

    @property
    def keeps_codec(self) -> bool:
        """Whether the row's codec is that of the row that it begins from, if there is one."""
        return self.ancestry is not None and self.codec == row_codec(self.prepared, self.ancestry.rows[-1])

    @cached_property
    def releases(self) -> Releases:
        """What the row publishes under a guarantee."""
        experiment, units = self.prepared.experiment, units_of(self.prepared.sizes)
        return Releases(self.folder.releases, self.streams, experiment.reproducible_noise, units=units)

    @cached_property
    def score(self) -> Scorer:
        """Transcribes speech with all workers."""
        prepared = self.prepared
        return Scorer(prepared.folder, prepared.recogniser_spec, prepared.tokens, self.workers, prepared.decoder)

    @cached_property
    def host(self) -> SiloHost:
        """What all silos of the row share."""
        return replace(silo_host(self.prepared, self.row, self.seed), stages=self.stages)

    @property
    def rules(self) -> Rules:
        """What holds for every exchange of the row."""
        probability = build_network(self.row.network).drop_out
        announcement = Announcement(self.releases, self.host.plan, self.host.training.local_steps)
        return Rules(
            self.codec,
            DropOut(probability, self.streams) if probability else None,
            announcement,
            announcement.answered,
            self.client.kinds() if self.client else {},
            timeout_seconds=self.host.training.timeout_seconds,
            before_sending=self._check_asked,
        )

    def _check_asked(self, kind: Kind, content: RecordDict) -> None:
        """Refuse a message that asks for what no silo of the row would heed, before anything of it is sent."""
        as_asked(self.training, kind, content, self.client.heeds if self.client else ())
        if self.client is None or kind.name not in self.client.kinds():
            check_records(kind, content)
        check_planned(kind, content, self.host.plan)

    def grid(self, rules: Rules | None = None) -> SiloGrid:
        """Open the row's grid of silos, by its own rules or others."""
        nodes = {silo: {SILO: silo} for silo in range(len(self.prepared.partition.silos))}
        app = SiloApp(self.host, self.client, Consent.of_row(asked_by(self.strategy)))
        return self.workers.open_grid(app, nodes, self.host.streams, rules or self.rules)

    def inherit_states(self, grid: SiloGrid) -> None:
        """Give silos what they had kept at the end of the row that this one begins from, if any."""
        if self.ancestry is not None:
            grid.restore_silos(self.ancestry.silo_states(self.keeps_codec))

    def central(self, grid: SiloGrid) -> Central:
        """Return the server's side of the row."""
        prepared, experiment, start = self.prepared, self.prepared.experiment, self.begins_from
        self.releases.log = grid.log
        return Central(
            row=self.row, training=self.training, trainer_spec=experiment.central_of(self.row),
            augment=experiment.augment, public_labelled=prepared.part("public_labelled"),
            public_unlabelled=prepared.part("public_unlabelled").untranscribed(),
            simulator=SimulatorView(prepared.part("public_unlabelled")), development=prepared.part("development"),
            start=start, recogniser_spec=prepared.recogniser_spec, tokens=prepared.tokens,
            streams=self.streams, folder=self.folder, score=self.score,
            watch=self.watcher.round, grid=grid, clock=self._clock(), releases=self.releases,
            roles=prepared.roles, role_start=self._role_start, boundary=self.boundary,
            decoder=prepared.decoder, scored=ScoredModel(experiment.scored, start), expected=self._expected,
            pseudo_silos=self._pseudo_silos,
        )  # fmt: skip

    @property
    def _pseudo_silos(self) -> Callable[[], SiloGrid] | None:
        """What opens a grid of pseudo-silos, where the row's protection asks for such."""
        speakers = self.boundary.pseudo_silo_speakers if self.boundary is not None else 0
        public = self.prepared.part("public_labelled")
        return partial(opened, self.host, self.client, public, speakers) if speakers else None

    @property
    def at_work(self) -> RowAtWork:
        """The row, and how much its silos hold."""
        return RowAtWork(self.prepared.experiment, self.row, self.prepared.sizes)

    @property
    def _expected(self) -> Taken | None:
        """The gradients of a round on average, where a protection at the boundary draws the cohort."""
        workload = self.at_work.workload if self.boundary is not None else None
        return Taken(workload.of_one) if workload else None

    def _role_start(self, role: str) -> Weights:
        path = Run(self.folder.path.parent, self.prepared.experiment).start_path(self.seed, role)
        return make_role_start(self.prepared, role, self.seed, path, self.watcher)

    def _clock(self) -> Clock:
        cost = compute_cost(self.prepared, self.folder.path.parent)
        return Clock(build_network(self.row.network), cost.seconds_per_audio_second, Streams(self.seed))


def row_streams(experiment: Experiment, row: RowSpec, seed: int) -> Streams:
    """Return the dice of a row: those of every other one, unless it begins where another ended."""
    return Streams(seed, len(experiment.behind(row)))


def silo_host(prepared: Prepared, row: RowSpec, seed: int) -> SiloHost:
    """Return what all silos of a row share."""
    training, client = prepared.experiment.training_of(row), row_client(prepared, row)
    strategy = row_strategy(prepared, row)
    stretches = max((kind.stretches for kind in client.kinds().values()), default=1) if client else 1
    return SiloHost(
        prepared.folder, prepared.partition, prepared.recogniser_spec, prepared.tokens,
        training, prepared.experiment.augment, objective_of(row),
        row_streams(prepared.experiment, row, seed), prepared.experiment.reproducible_noise,
        sized_plan(prepared.sizes, row, training, stretches), prepared.roles,
        boundary_protection(row, strategy) is not None, prepared.decoder, prepared.experiment.scored == MEAN,
        promises=bool(getattr(strategy, "carries_epsilon", False)),
    )  # fmt: skip


def row_strategy(prepared: Prepared, row: RowSpec) -> Strategy:
    """Return the strategy of a row."""
    return build_strategy(row, prepared.experiment.training_of(row), len(prepared.partition.silos))


def row_codec(prepared: Prepared, row: RowSpec) -> Codec:
    """Return what the arrays of silos' replies travel as."""
    return codec_of(row, row_strategy(prepared, row))


def row_client(prepared: Prepared, row: RowSpec) -> ClientHalf | None:
    """Return the client half of a row's algorithm, where it has one of its own."""
    return client_of(row, row_strategy(prepared, row), prepared.experiment.training_of(row))
