"""Gradient threshold compression (Strom, Interspeech 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fedasr.wire.codec import Codec
from fedasr.wire.codecs_by_name import build_codec

from .sync_sgd import SyncSGD


class GTC(SyncSGD):
    """Synchronous SGD whose changes are thresholded, the rest waiting in each silo's residual.

    This is `SyncSGD` with the codec ``threshold``; the residual is the silo's and is saved with its state.
    The threshold applies to the change (learning rate times gradient), in the units of the model. A step
    moves a value by at most one threshold: one far below the changes leaves the model behind.

    Parameters
    ----------
    tau : float, optional
        A fixed threshold.
    density : float, optional
        Adapt each silo's threshold to send this share of the values.
    band : pair of float, optional
        Keep the share of values sent within these limits.
    residual_clip : float, optional
        Clip the residual to so many thresholds; what is discarded is booked.
    form : str
        ``"auto"``, ``"words"``, ``"gaps"`` or ``"map"``.
    **others
        What `SyncSGD` takes.
    """

    def __init__(
        self, tau: float | None = None, density: float | None = None, band: Sequence[float] | None = None,
        residual_clip: float | None = None, form: str = "auto", **others: Any,
    ) -> None:  # fmt: skip
        super().__init__(**others)
        settings = {"tau": tau, "density": density, "band": band, "residual_clip": residual_clip, "form": form}
        self.threshold = {name: value for name, value in settings.items() if value is not None}
        build_codec("threshold", self.threshold)

    @property
    def codec(self) -> Codec:
        """The codec of a row that names none."""
        return build_codec("threshold", self.threshold)
