"""Thresholds from given norms."""

import math

import pytest
import torch

from fedasr.common.errors import UserError
from fedasr.protection.adamix.protection import AdaMix
from fedasr.protection.adamix.threshold import threshold_of
from fedasr.protection.clipping.rule import Fixed, PublicQuantile


@pytest.mark.parametrize(("quantile", "expected"), [(0.0, 1.0), (0.5, 3.0), (0.75, 4.0), (1.0, 5.0)])
def test_it_is_the_quantile_of_the_norms(quantile: float, expected: float) -> None:
    norms_B = torch.tensor([5.0, 1.0, 3.0, 2.0, 4.0], dtype=torch.float64)
    assert threshold_of(PublicQuantile(quantile), norms_B) == expected
    assert threshold_of(Fixed(0.3), norms_B) == 0.3


@pytest.mark.parametrize("norms", [[], [math.nan, math.inf], [1e-13], [0.0, 0.0]])
def test_where_there_is_no_length_to_speak_of_it_is_zero(norms: list[float]) -> None:
    assert threshold_of(PublicQuantile(0.5), torch.tensor(norms, dtype=torch.float64)) == 0.0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"clip_norm": 0.5}, "'clip_norm' takes no effect"),
        ({"bound": "fixed", "quantile": 0.5}, "'quantile' takes no effect"),
        ({"bound": "fixed", "public_weight": 0.0, "public_batch": 8}, "'public_batch' takes no effect"),
        ({"public_batch": 8, "subspace": 9}, "'subspace' is 9, and 'public_batch' is 8"),
        ({"noise_multiplier": 1.0, "epsilon": 2.0}, "'epsilon' takes no effect"),
        ({"public_weight": -1.0}, "'public_weight'"),
        ({"pull": math.nan}, "'pull'"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict, says: str) -> None:
    with pytest.raises(UserError, match=says):
        AdaMix(**options)
