"""Gradient threshold compression (Strom, Interspeech 2015)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from fedasr.common.settings import Settings
from fedasr.wire.codecs.threshold import Threshold, ThresholdSettings

from .sync_sgd import SyncSGD, SyncSGDSettings


@dataclass(frozen=True)
class GTCSettings(ThresholdSettings, SyncSGDSettings):
    """Those of synchronous SGD and those of the codec ``threshold`` together."""

    def codec(self) -> Threshold:
        """Return the codec."""
        return Threshold(**{field.name: getattr(self, field.name) for field in fields(ThresholdSettings)})


class GTC(SyncSGD):
    """Synchronous SGD whose changes are thresholded, the rest waiting in each silo's residual.

    This is `SyncSGD` with the codec ``threshold``; the residual is the silo's and is saved with its state.
    The threshold applies to the change (learning rate times gradient), in the units of the model. A step
    moves a value by at most one threshold: one far below the changes leaves the model behind.

    Parameters
    ----------
    settings : GTCSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.

    Attributes
    ----------
    codec : Threshold
        The codec of a row that names none.
    """

    settings_class: ClassVar[type[Settings]] = GTCSettings

    def __init__(self, settings: GTCSettings | None = None, **sampling: Any) -> None:
        settings = settings or GTCSettings()
        super().__init__(settings, **sampling)
        self.codec = settings.codec()
