"""The devices that are there, and where training draws its dropout masks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from fedasr.asr.recogniser import Recogniser

DEVICES = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
ELSEWHERE = torch.device("meta")
"""A device that is always there and never the one of a new tensor."""


class AskedError(Exception):
    """A generator was asked for, of the device that it names."""


def device_of_masks(begin: Callable[[], object], where: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the device of the generator that something asks ``where`` for, beside a recogniser elsewhere."""

    def ask(seed: int, device: torch.device) -> torch.Generator:
        raise AskedError(str(device))

    monkeypatch.setattr(f"{where}.seeded_generator", ask)
    monkeypatch.setattr(Recogniser, "device", ELSEWHERE)
    with pytest.raises(AskedError) as asked:
        begin()
    return str(asked.value)
