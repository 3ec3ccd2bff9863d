"""Rotary positions: attention knows how far two frames are apart, and nothing else of where they stand."""

import math
from dataclasses import asdict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedasr.asr.encoders.conformer import ConformerEncoder, ConformerSettings
from fedasr.asr.encoders.encoder import EncoderSpec
from fedasr.asr.encoders.rotary import RotaryAttention, rotations, turned
from fedasr.asr.recogniser import RecogniserSpec, spec_from_json
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment

UNITS, HEADS = 8, 2


def _attention() -> RotaryAttention:
    torch.manual_seed(3)
    attention = RotaryAttention(UNITS, HEADS, batch_first=True).double()
    torch.nn.init.normal_(attention.in_proj_bias)
    return attention


def _plain(attention: RotaryAttention, x_TF: torch.Tensor, first: int = 0) -> torch.Tensor:
    """Attention of one utterance whose first frame stands at some place, with turns as products of complex numbers."""
    frames, size = len(x_TF), UNITS // HEADS
    query, key, value = (x_TF @ attention.in_proj_weight.T + attention.in_proj_bias).detach().split(UNITS, dim=1)
    heard = torch.zeros_like(x_TF)
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        scores = torch.zeros(frames, frames, dtype=torch.float64)
        for one in range(frames):
            for other in range(frames):
                for pair in range(size // 2):
                    speed = 10_000.0 ** (-2 * pair / size)
                    places = head * size + pair, head * size + pair + size // 2
                    asked = complex(*(float(query[one, place]) for place in places))
                    offered = complex(*(float(key[other, place]) for place in places))
                    turn = complex(math.cos(speed * (one - other)), math.sin(speed * (one - other)))
                    scores[one, other] += (asked * turn * offered.conjugate()).real
        heard[:, part] = (scores / math.sqrt(size)).softmax(1) @ value[:, part]
    return attention.out_proj(heard)


def test_it_is_attention_whose_queries_and_keys_are_turned() -> None:
    attention, x_BTF = _attention(), torch.randn(2, 5, UNITS, dtype=torch.float64)
    padding_BT = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    found = attention.heard(x_BTF, padding_BT)
    torch.testing.assert_close(found[0], _plain(attention, x_BTF[0]), atol=1e-12, rtol=0)
    torch.testing.assert_close(found[1, :3], _plain(attention, x_BTF[1, :3]), atol=1e-12, rtol=0)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200))
def test_a_score_depends_on_the_distance_alone(one: int, other: int, later: int) -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, 6, dtype=torch.float64)
    table = rotations(300, 6, query)

    def score(first: int, second: int) -> float:
        at = [tuple(part[place : place + 1] for part in table) for place in (first, second)]
        return float((turned(query, at[0]) * turned(key, at[1])).sum())  # type: ignore[arg-type]

    assert score(one, other) == pytest.approx(score(one + later, other + later), abs=1e-12)


def test_an_encoder_hears_the_order_of_frames_as_one_without_positions_does_not() -> None:
    """With convolutions of width 1 nothing but attention can tell the order: reversed in time, reversed out of time."""

    def is_blind(positions: str) -> bool:
        torch.manual_seed(0)
        encoder = ConformerEncoder(6, ConformerSettings(1, UNITS, 0.0, HEADS, 1, positions)).double()
        x_BTF, length = torch.randn(1, 7, 6, dtype=torch.float64), torch.tensor([7])
        order = torch.tensor([2, 0, 6, 1, 5, 3, 4])
        return torch.allclose(encoder(x_BTF[:, order], length, None), encoder(x_BTF, length, None)[:, order])

    assert is_blind("none")
    assert not is_blind("rotary")


def test_a_model_file_that_names_no_positions_was_trained_without() -> None:
    told = asdict(RecogniserSpec(encoder=EncoderSpec("conformer")))
    assert spec_from_json(told).encoder.positions == "rotary"
    del told["encoder"]["positions"]
    assert spec_from_json(told).encoder.positions == "none"


def test_an_odd_head_is_refused() -> None:
    model = {"encoder": "conformer", "units": 6, "heads": 2}
    with pytest.raises(UserError, match="is 3; rotary positions turn pairs"):
        Experiment.from_table({"name": "x", "model": model})
    Experiment.from_table({"name": "x", "model": {**model, "positions": "none"}})
