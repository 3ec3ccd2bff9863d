import numpy as np
import pytest
import torch

from fedasr.asr.mel import MelSpectrogram, mel_bands

SHAPES = [(16_000, 512, 64), (8_000, 512, 40), (44_100, 2_048, 64), (11_025, 512, 16), (48_000, 2_048, 80)]


@pytest.mark.parametrize(("rate_hz", "fft", "mels"), SHAPES)
def test_the_bits_are_torchaudios(rate_hz: int, fft: int, mels: int) -> None:
    theirs = pytest.importorskip("torchaudio", reason="compares with torchaudio").transforms.MelSpectrogram(
        rate_hz, n_fft=fft, win_length=rate_hz // 40, hop_length=rate_hz // 100, n_mels=mels
    )
    ours = MelSpectrogram(rate_hz, fft, rate_hz // 40, rate_hz // 100, mels)
    samples = torch.from_numpy(np.random.default_rng(mels).standard_normal(rate_hz + 77).astype(np.float32))
    with torch.inference_mode():
        np.testing.assert_array_equal(ours(samples).numpy(), theirs(samples).numpy())


@pytest.mark.parametrize(("rate_hz", "fft", "mels"), SHAPES)
def test_neighbouring_bands_share_a_frequency_between_them(rate_hz: int, fft: int, mels: int) -> None:
    bands = mel_bands(rate_hz, fft // 2 + 1, mels).numpy()
    assert bands.shape == (fft // 2 + 1, mels)
    assert (bands >= 0).all()
    # Between the first band's middle and the last one's, two triangles add up to 1.
    inner = slice(bands[:, 0].argmax() + 1, bands[:, -1].argmax())
    # Differences of frequencies of up to rate / 2, each rounded by 2**-24 of that, over the width of a band.
    narrowest_hz = 700 * (10 ** (2595 * np.log10(1 + rate_hz / 1400) / (mels + 1) / 2595) - 1)
    np.testing.assert_allclose(bands[inner].sum(1), 1, atol=8 * 2.0**-24 * rate_hz / narrowest_hz)


def test_a_tone_is_in_its_band() -> None:
    ours = MelSpectrogram(16_000, 512, 400, 160, 64)
    bands = mel_bands(16_000, 257, 64)
    for at in (20, 80, 200):
        tone = torch.sin(2 * torch.pi * at * torch.arange(8_000) / 512)
        assert ours(tone)[:, 25].argmax() == bands[at].argmax()
