"""What may be asked for."""

import re
from typing import Any

import pytest
from support.running import tiny_table

from fedasr.common.errors import UserError
from fedasr.corpora.noisy.noise_spec import NoiseSpec
from fedasr.experiment.experiment import Experiment


def _experiment(noise: dict[str, Any], **corpus: Any) -> Experiment:
    return Experiment.from_table(tiny_table(corpus={"noise": noise, **corpus}))


def test_nothing_is_noisy_by_default() -> None:
    assert NoiseSpec().is_off
    assert Experiment.from_table(tiny_table()).corpus.noise == NoiseSpec()
    assert not NoiseSpec(share=0.1).is_off
    assert not NoiseSpec(test_snr_db=10.0).is_off


def test_a_table_is_read_and_written() -> None:
    noise = {"share": 0.5, "snr_db": [0, 15], "babble_voices": 1, "test_snr_db": 10}
    experiment = _experiment(noise)
    assert experiment.corpus.noise == NoiseSpec(0.5, "unlabelled", (0.0, 15.0), 1, 0.3, 10.0)
    assert experiment.with_values({}) == experiment


@pytest.mark.parametrize(
    ("noise", "told"),
    [
        ({"share": 0.5, "snr_db": [20.0, 5.0]}, "'corpus.noise.snr_db' goes from 20 to 5; name the lower first"),
        ({"share": 0.5, "snr_db": [20.0]}, "'corpus.noise.snr_db' must have 2 entries, not 1"),
        ({"share": 1.5}, "'corpus.noise.share' must be"),
        ({"test_snr_db": 10, "babble_voices": 0, "room_seconds": 0}, "are both 0, so nothing is noisy"),
        ({"room_seconds": 0.5}, "'corpus.noise.room_seconds' takes no effect, since 'corpus.noise.share' is 0"),
        ({"test_snr_db": 10, "snr_db": [0, 1]}, "'corpus.noise.snr_db' takes no effect"),
        ({"test_snr_db": 10, "speech": "training"}, "'corpus.noise.speech' takes no effect"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(noise: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)) as refused:
        _experiment(noise)
    assert len(refused.value.lines) == 1


def test_nobody_mixes_voices_under_what_a_node_holds() -> None:
    with pytest.raises(UserError, match=r"'corpus\.noise\.share' takes no effect with 'corpus\.partition' 'nodes'"):
        _experiment({"share": 0.5}, partition="nodes", silos=4)
    _experiment({"test_snr_db": 10.0}, partition="nodes", silos=4)
