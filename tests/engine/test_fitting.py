"""What silos cannot give is refused before any of them trains, in one line."""

from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table
from support.unequal import run_unequal

from fedasr.api import run
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment

PRIVATE = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 1, "clip_norm": 0.5}}
BY_SECONDS = {"weighting": "seconds"}


def assert_refused(corpus: Path, folder: Path, row: dict[str, Any], told: str, **tables: Any) -> None:
    """In one line, and nothing is left behind."""
    with pytest.raises(UserError, match=told) as refused:
        run_unequal(corpus, folder / "run", {"name": "row", **row}, **tables)
    assert len(refused.value.lines) == 1
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"strategy": "fedavg", "training": {"local_epochs": 1}, **PRIVATE}, "row.training: .*set local_steps"),
        (
            {"strategy": "fedavg", "options": {"weighting": "seconds"}, **PRIVATE},
            "row.options: .*weighting = 'uniform'",
        ),
        ({"strategy": "gtc", "options": {"weighting": "seconds"}, **PRIVATE}, "row.options: .*weighting = 'uniform'"),
        ({"strategy": "fedavg", "training": {"batch_seconds": 9}, **PRIVATE}, "set training.batch_seconds = 0"),
    ],
)
def test_what_a_guarantee_does_not_cover_is_refused(
    row: dict[str, Any], told: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    assert_refused(unequal_corpus, tmp_path, row, told)


def test_lots_of_dp_sgd_at_the_centre_are_no_seconds(unequal_corpus: Path, tmp_path: Path) -> None:
    told = r"row\.protection: draws lots of 1 .*set central\.batch_seconds = 0"
    central, row = {"batch_seconds": 9.0, "batch_size": 16}, {"strategy": "centralised", **PRIVATE}
    assert_refused(unequal_corpus, tmp_path, row, told, central=central)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            {"strategy": "fedavg", "protection": "silo-noise", "protection_options": {"delta": 0.25}},
            r"row\.protection_options: delta = 0\.25 for 4 silos .* below 0\.25",
        ),
        ({"strategy": "dp-fedavg", "options": {"delta": 0.5}}, r"row\.options: delta = 0\.5 for 4 silos"),
        ({"strategy": "pate", "options": {"delta": 0.5}}, r"row\.options: delta = 0\.5 for 4 silos"),
        (
            {"strategy": "fedavg", **PRIVATE, "protection_options": {**PRIVATE["protection_options"], "delta": 0.5}},
            r"row\.protection_options: delta = 0\.5 for 25 utterances .* below 0\.04",
        ),
        (  # a batch above the smallest silo is one of the centre's, and of no silo's
            {"strategy": "centralised", "protection": "dp-sgd", "protection_options": {"delta": 0.1, "batch_size": 9}},
            "delta = 0.1 for 25 utterances",
        ),
        (
            {"strategy": "centralised", "protection": "dp-sgd", "protection_options": {"delta": 0.6, "batch_size": 1}},
            "delta = 0.6 for 25 utterances",
        ),
    ],
)
def test_a_delta_at_which_a_unit_may_be_published_is_refused_before_the_start_is_trained(
    row: dict[str, Any], told: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    assert_refused(unequal_corpus, tmp_path, row, told)


LEAST = {"protection": "clipping", "protection_options": {"bound": "least"}}
MICRO_BATCHES = {**LEAST, "protection_options": {"bound": "least", "granularity": "micro-batch", "micro_batch": 2}}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"strategy": "public-only", **LEAST}, "'public-only' trains on nothing private; leave it out"),
        ({"strategy": "public-only", "options": {"epochs": 1}, **PRIVATE}, "trains on nothing private"),
        (
            {"strategy": "fedavg", "training": {"batch_size": 1}, **LEAST},
            "in batches of 1; set training.batch_size = 2 or more",
        ),
        (
            {"strategy": "centralised", "central": {"batch_size": 2}, **MICRO_BATCHES},
            "in batches of 2; set central.batch_size = 3 or more",
        ),
    ],
)
def test_a_protection_with_nothing_to_act_on_is_refused(
    row: dict[str, Any], told: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    assert_refused(unequal_corpus, tmp_path, row, f"row.protection: .*{told}")


@pytest.mark.parametrize("key", ["steps", "optimizer", "learning_rate", "momentum", "decay"])
def test_what_only_the_centre_does_with_noisy_gradients_is_refused_in_silos(
    key: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    value = "sgd" if key == "optimizer" else 1
    row = {"strategy": "fedavg", **PRIVATE, "protection_options": {**PRIVATE["protection_options"], key: value}}
    assert_refused(unequal_corpus, tmp_path, row, rf"row\.protection_options\.{key}: goes with the centre")


NO_SGD = {"optimizer": "adamw", "learning_rate": 1e-3}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"strategy": "gtc", "training": NO_SGD}, "row.options: gradients are exchanged for SGD"),
        ({"strategy": "sync-sgd", "training": {"weight_decay": 0.1}}, "row.options: gradients are exchanged for SGD"),
        (
            {"strategy": "dp-fedavg", "options": {"exchange": "gradient"}, "training": NO_SGD},
            "row.options: gradients are exchanged for SGD",
        ),
        ({"strategy": "dp-fedavg", "options": {"layers": ["ctc.*", "cct.*"]}}, "row.options: 'layers': .*fits 'cct.*'"),
        ({"strategy": "fedopt", "options": {"layers": ["cct.*"]}}, "row.options: 'layers': no parameter fits 'cct.*'"),
        ({"strategy": "fedper", "options": {"own_layers": ["cct.*"]}}, "'own_layers': no parameter fits 'cct.*'"),
        ({"strategy": "fedper", "options": {"own_layers": ["*"]}}, "'own_layers' leaves no layer to share"),
        (
            {"strategy": "fedavg", **PRIVATE, "protection_options": {"layers": ["cct.*"], "batch_size": 1}},
            "row.protection_options: 'layers': no parameter fits 'cct.*'",
        ),
        (
            {"strategy": "fedavg", **PRIVATE, "protection_options": {"batch_size": 3}},
            "row.protection_options: batch_size is 3, and the smallest silo holds 2 utterances",
        ),
        (
            {"strategy": "centralised", **PRIVATE, "protection_options": {"batch_size": 26}},
            "row.protection_options: batch_size is 26, and all silos hold 25 utterances",
        ),
    ],
)
def test_what_a_row_cannot_do_without_is_missed_before_the_start_is_trained(
    row: dict[str, Any], told: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    assert_refused(unequal_corpus, tmp_path, row, told)


def test_votes_need_unlabelled_speech_and_a_head_that_can_vote(tmp_path: Path) -> None:
    pate = {"name": "pate", "strategy": "pate"}
    for changes, told in (
        ({"compare": [pate]}, "no public unlabelled speech to vote on; set corpus.unlabelled_speakers"),
        (
            {
                "compare": [{**pate, "options": {"votes": "frame"}}], "corpus": {"unlabelled_speakers": 1},
                "model": {"head": "transducer"},
            },
            "the head scores no single frames to vote on",
        ),
    ):  # fmt: skip
        with pytest.raises(UserError, match=f"compare.pate.options: .*{told}"):
            run(Experiment.from_table(tiny_table(**changes)), grid="process", out=tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_no_row_begins_from_models_that_stay_in_their_silos(tmp_path: Path) -> None:
    rows = [{"name": "alone", "strategy": "local-only"}, {"name": "b", "strategy": "fedavg", "start": "row:alone"}]
    with pytest.raises(UserError, match=r"compare\.b\.start: 'alone' leaves its models in the silos"):
        run(Experiment.from_table(tiny_table(compare=rows)), grid="process", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            {"strategy": "fedavg", "training": {"silos_per_round": 9}},
            r"row\.training: silos_per_round is 9, and there are 4 silos; lower it, or set 0 for all",
        ),
        (
            {"strategy": "flwr.serverapp.strategy:Krum", "options": {"num_malicious_nodes": 4}},
            r"row\.options: 'num_malicious_nodes' is 4: it must be a whole number below 4",
        ),
    ],
)
def test_more_silos_than_there_are_is_refused(
    row: dict[str, Any], told: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    assert_refused(unequal_corpus, tmp_path, row, told)
