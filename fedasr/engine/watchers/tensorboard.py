"""Tracking: the rounds of a run as TensorBoard scalars, beside its own files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import check_writable
from fedasr.engine.watchers.watcher import Watcher
from fedasr.server.progress import Progress

SCALARS = ("wer", "cer", "uplink_bytes", "downlink_bytes", "wall_seconds", "peak_memory_bytes", "epsilon")


class TensorBoardWatcher(Watcher):
    """Writes the loss and development WER of each round, and each row's result.

    Parameters
    ----------
    folder : Path
        Where ``tensorboard --logdir`` looks; one sub-folder a row.

    Raises
    ------
    UserError
        Where TensorBoard is not installed, or nothing can be written to the folder.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError('--tensorboard: TensorBoard is missing; pip install "fedasr[tracking]"') from error
        check_writable(folder, "--tensorboard")
        self._make = SummaryWriter
        self._folder = folder
        self._writers: dict[str, Any] = {}

    def round(self, progress: Progress) -> None:
        """Write what is known of a round."""
        writer = self._writer(progress.row)
        for name in ("train_loss", "development_wer"):
            value = getattr(progress, name)
            if value is not None:
                writer.add_scalar(name, value, progress.round)

    def end(self, summary: Mapping[str, Any]) -> None:
        """Write the row's result and close its file."""
        writer = self._writer(summary["name"])
        for name in SCALARS:
            if summary[name] is not None:
                writer.add_scalar(f"result/{name}", summary[name], summary["rounds"] or 0)
        writer.close()
        self._writers.pop(summary["name"])

    def _writer(self, row: str) -> Any:
        if row not in self._writers:
            self._writers[row] = self._make(self._folder / row)
        return self._writers[row]


class Watchers(Watcher):
    """Several watchers as one."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers

    def stage(self, text: str) -> None:
        for watcher in self._watchers:
            watcher.stage(text)

    def opened(self, done: int, total: int) -> None:
        for watcher in self._watchers:
            watcher.opened(done, total)

    def prepared(self, done: int, total: int) -> None:
        for watcher in self._watchers:
            watcher.prepared(done, total)

    def begin(self, row: str, number: int, rows: int) -> None:
        for watcher in self._watchers:
            watcher.begin(row, number, rows)

    def round(self, progress: Progress) -> None:
        for watcher in self._watchers:
            watcher.round(progress)

    def end(self, summary: Mapping[str, Any]) -> None:
        for watcher in self._watchers:
            watcher.end(summary)
