"""The log of a run, in its folder: more than the terminal tells, with the time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fedasr.common.console import DETAILS
from fedasr.runs.file_names import LOG


class _Log(logging.FileHandler):
    """A log that a full disk cuts short: nothing depends on it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Say nothing."""


@contextmanager
def written_down(folder: Path) -> Iterator[None]:
    """Write what fedasr's logs say in the block to a file of the run folder, after what stands there.

    Details are a log of their own, which no handler of the caller's sees.
    """
    logs = [logging.getLogger(name) for name in ("fedasr", DETAILS)]
    handler: logging.Handler | None = None
    with suppress(OSError):
        handler = _Log(folder / LOG, encoding="utf-8", errors="backslashreplace")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        for log in logs:
            log.addHandler(handler)
    try:
        yield
    finally:
        if handler is not None:
            for log in logs:
                log.removeHandler(handler)
            with suppress(OSError):
                handler.close()
