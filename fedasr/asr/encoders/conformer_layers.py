"""The layers of a Conformer, none of which lets an utterance see its padding.

Architecture and parameter names are those of torchaudio's Conformer with group norm, so that models that were trained
with it load (``positions = "none"``: it knows none). Its own convolutions read the padding, and its group norm counts
it; here neither does.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from fedasr.asr.encoders.rotary import RotaryAttention

EXPANSION = 4
"""The feed-forward modules are so many times as wide as the layer (Gulati et al. 2020)."""


class ConformerLayer(nn.Module):
    """Half a feed-forward module, attention, convolution, and the other half (Gulati et al. 2020, figure 1).

    Parameters
    ----------
    units : int
        Features that come in and go out.
    heads : int
        Attention heads.
    kernel : int
        The width of the depthwise convolution in frames, odd.
    positions : str
        What attention knows of the places of two frames: ``"rotary"``, how far they are apart; ``"none"``, nothing.
    """

    def __init__(self, units: int, heads: int, kernel: int, positions: str) -> None:
        super().__init__()
        self.ffn1 = FeedForward(units)
        self.self_attn_layer_norm = nn.LayerNorm(units)
        attention = RotaryAttention if positions == "rotary" else nn.MultiheadAttention
        self.self_attn = attention(units, heads, batch_first=True)
        self.conv_module = Convolution(units, kernel)
        self.ffn2 = FeedForward(units)
        self.final_layer_norm = nn.LayerNorm(units)

    def forward(self, x_BTF: Tensor, padding_BT: Tensor) -> Tensor:
        """Return the layer's output; what stands in the padding is finite and means nothing."""
        x_BTF = x_BTF + 0.5 * self.ffn1(x_BTF)
        x_BTF = x_BTF + self._attention(self.self_attn_layer_norm(x_BTF), padding_BT)
        x_BTF = x_BTF + self.conv_module(x_BTF, padding_BT)
        x_BTF = x_BTF + 0.5 * self.ffn2(x_BTF)
        normed_BTF: Tensor = self.final_layer_norm(x_BTF)
        return normed_BTF

    def _attention(self, x_BTF: Tensor, padding_BT: Tensor) -> Tensor:
        if isinstance(self.self_attn, RotaryAttention):
            return self.self_attn.heard(x_BTF, padding_BT)
        heard_BTF: Tensor = self.self_attn(x_BTF, x_BTF, x_BTF, key_padding_mask=padding_BT, need_weights=False)[0]
        return heard_BTF


class FeedForward(nn.Module):
    """Two layers, frame by frame."""

    def __init__(self, units: int) -> None:
        super().__init__()
        # The identity stands where torchaudio drops out: the parameters of a layer carry its number.
        self.sequential = nn.Sequential(
            nn.LayerNorm(units), nn.Linear(units, EXPANSION * units), nn.SiLU(),
            nn.Identity(), nn.Linear(EXPANSION * units, units),
        )  # fmt: skip

    def forward(self, x_BTF: Tensor) -> Tensor:
        y_BTF: Tensor = self.sequential(x_BTF)
        return y_BTF


class Convolution(nn.Module):
    """A gated pointwise convolution, one over time within each channel, a norm, and a pointwise one."""

    def __init__(self, units: int, kernel: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(units)
        self.sequential = nn.ModuleList([
            Pointwise(units, 2 * units, 1), nn.GLU(),
            nn.Conv1d(units, units, kernel, padding="same", groups=units), UtteranceNorm(1, units),
            nn.SiLU(), Pointwise(units, units, 1),
        ])  # fmt: skip

    def forward(self, x_BTF: Tensor, padding_BT: Tensor) -> Tensor:
        """Return what is added to the input; the convolution over time sees zeros after the end, as before the start.

        Parameters
        ----------
        x_BTF : Tensor
        padding_BT : Tensor of bool
            True where there is no speech.
        """
        widened, gate, over_time, norm, activation, narrowed = self.sequential
        x_BTF = gate(widened(self.layer_norm(x_BTF))).masked_fill(padding_BT[..., None], 0.0)
        x_BTF = over_time(x_BTF.transpose(1, 2)).transpose(1, 2)
        y_BTF: Tensor = narrowed(activation(norm(x_BTF, padding_BT)))
        return y_BTF


class Pointwise(nn.Conv1d):
    """A convolution of width 1, which is a linear layer over the features of each frame."""

    def forward(self, x_BTF: Tensor) -> Tensor:
        return functional.linear(x_BTF, self.weight[..., 0], self.bias)


class UtteranceNorm(nn.GroupNorm):
    """Group norm of one group: mean and variance over all features of the frames that are speech."""

    def forward(self, x_BTF: Tensor, padding_BT: Tensor) -> Tensor:  # type: ignore[override]
        """Return the normalised utterances, the bias in their padding.

        Parameters
        ----------
        x_BTF : Tensor
        padding_BT : Tensor of bool
            True where there is no speech.
        """
        values_B11 = ((~padding_BT).sum(1) * x_BTF.shape[2]).clamp_min(1)[:, None, None]
        mean_B11 = x_BTF.masked_fill(padding_BT[..., None], 0.0).sum((1, 2), keepdim=True) / values_B11
        centred_BTF = (x_BTF - mean_B11).masked_fill(padding_BT[..., None], 0.0)
        variance_B11 = centred_BTF.square().sum((1, 2), keepdim=True) / values_B11
        return centred_BTF * ((variance_B11 + self.eps).rsqrt() * self.weight) + self.bias
