"""Attention by relative positions: queries and keys are turned by angles that grow with their place (RoPE)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

LONGEST_WAVE = 10_000.0
"""The slowest pair of features turns once in 2π times so many frames (Su et al. 2021, section 3.2.2)."""


class RotaryAttention(nn.MultiheadAttention):
    """Self-attention whose scores depend on how far two frames are apart, never on where they stand.

    Rotary positions (Su et al. 2021, RoFormer, equation 34; for the Conformer Li et al. 2021): the features of a query
    and a key are taken in pairs, and pair i of the frame at place t is turned by ``t / LONGEST_WAVE ** (2 i / size)``.
    A product of a query and a key is then a function of the difference of their places. The parameters are those of
    plain attention.
    """

    def heard(self, x_BTF: Tensor, padding_BT: Tensor) -> Tensor:
        """Return what each frame hears of the others, of which none is padding.

        Parameters
        ----------
        x_BTF : Tensor
        padding_BT : Tensor of bool
            True where there is no speech.
        """
        projected_BTG = functional.linear(x_BTF, self.in_proj_weight, self.in_proj_bias)
        heard_BTF: Tensor = self.out_proj(attended(projected_BTG, self.num_heads, padding_BT, rotary=True))
        return heard_BTF


def attended(projected_BTG: Tensor, heads: int, padding_BT: Tensor, rotary: bool) -> Tensor:
    """Return what each frame hears of the others, of which none is padding, before the heads are mixed.

    Parameters
    ----------
    projected_BTG : Tensor
        Queries, keys and values, one after the other.
    heads : int
    padding_BT : Tensor of bool
        True where there is no speech.
    rotary : bool
        Whether queries and keys are turned by their places.
    """
    batch, frames, width = projected_BTG.shape
    shape = (batch, frames, 3, heads, width // (3 * heads))
    query_BHTS, key_BHTS, value_BHTS = projected_BTG.view(shape).permute(2, 0, 3, 1, 4)
    if rotary:
        turns = rotations(frames, shape[-1], projected_BTG)
        query_BHTS, key_BHTS = turned(query_BHTS, turns), turned(key_BHTS, turns)
    heard_BHTS = functional.scaled_dot_product_attention(
        query_BHTS, key_BHTS, value_BHTS, ~padding_BT[:, None, None, :]
    )
    return heard_BHTS.transpose(1, 2).reshape(batch, frames, width // 3)


def rotations(frames: int, size: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of the angle of each frame and pair of features, shape (frames, size / 2) each.

    Parameters
    ----------
    frames, size : int
        Frames, and features of a head, an even number.
    like : Tensor
        Of the type and on the device that the angles are to have.
    """
    pairs = torch.arange(0, size, 2, dtype=torch.float64) / size
    angles_TP = torch.arange(frames, dtype=torch.float64)[:, None] / LONGEST_WAVE**pairs
    return angles_TP.cos().to(like), angles_TP.sin().to(like)


def turned(x_BHTS: Tensor, rotations: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the pairs (i, i + size / 2) of the features of each frame by its angles."""
    cosine_TP, sine_TP = rotations
    first, second = x_BHTS.chunk(2, dim=-1)
    return torch.cat((first * cosine_TP - second * sine_TP, first * sine_TP + second * cosine_TP), dim=-1)
