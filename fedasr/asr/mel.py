"""The mel spectrogram: power of a short-time Fourier transform, summed in triangular bands of the mel scale.

The bits are those of torchaudio's ``MelSpectrogram`` with its defaults (HTK's scale, bands of height 1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_MELS_A_DECADE = 2595.0
_CORNER_HZ = 700.0


class MelSpectrogram:
    """Mel spectrograms of signals, their ends reflected, so that frame t is centred at sample t * hop.

    Parameters
    ----------
    sample_rate_hz : int
    fft : int
        Samples of a transform; the window lies in its middle.
    window : int
        Samples of a Hann window.
    hop : int
        Samples from a frame to the next.
    mels : int
        Bands.
    """

    def __init__(self, sample_rate_hz: int, fft: int, window: int, hop: int, mels: int) -> None:
        self.fft, self.hop = fft, hop
        self._window = torch.hann_window(window)
        self._bands = mel_bands(sample_rate_hz, fft // 2 + 1, mels)

    def __call__(self, samples: Tensor) -> Tensor:
        """Return the power in each band.

        Parameters
        ----------
        samples : Tensor, shape (samples,)
            More than half a transform.

        Returns
        -------
        Tensor, shape (mels, 1 + samples // hop)
        """
        transform_FT = torch.stft(
            samples[None], self.fft, self.hop, len(self._window), self._window, return_complex=True
        )[0]  # fmt: skip
        power_FT = transform_FT.abs().pow(2.0)
        return torch.matmul(power_FT.T, self._bands).T


def mel_bands(sample_rate_hz: int, bins: int, mels: int) -> Tensor:
    """Return how much of each frequency each band takes: triangles from one band's middle to the next.

    Parameters
    ----------
    sample_rate_hz : int
    bins : int
        Frequencies from 0 to half the rate.
    mels : int

    Returns
    -------
    Tensor, shape (bins, mels)
    """
    highest_hz = sample_rate_hz // 2
    bins_hz = torch.linspace(0, highest_hz, bins)
    corners_mel = torch.linspace(0.0, _MELS_A_DECADE * math.log10(1.0 + highest_hz / _CORNER_HZ), mels + 2)
    corners_hz = _CORNER_HZ * (10.0 ** (corners_mel / _MELS_A_DECADE) - 1.0)
    widths_hz = corners_hz[1:] - corners_hz[:-1]
    above_hz = corners_hz[None] - bins_hz[:, None]
    rising, falling = -above_hz[:, :-2] / widths_hz[:-1], above_hz[:, 2:] / widths_hz[1:]
    return torch.minimum(rising, falling).clamp_min(0.0)
