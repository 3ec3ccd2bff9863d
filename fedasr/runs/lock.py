"""One process in a run folder: two would log every round twice, and each would overwrite what the other saved."""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fedasr.common.errors import StoppedError, UserError
from fedasr.common.files import disk_error
from fedasr.runs.file_names import LOCK

try:
    import fcntl
except ImportError:  # a system without locks
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger("fedasr")
RESUME = "python -m fedasr.simulate --resume"
HELD = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK}


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Work in a run folder alone; what ends the work before its end says how to go on.

    The system keeps the lock, and lets it go with the process, however that ends: a file that a killed process left
    behind locks nothing. A process that is only stopped holds it still. Who only reads needs none.

    Raises
    ------
    UserError
        Where another works there; names its process and machine.
    """
    with locked(folder):
        try:
            yield
        except UserError as error:
            if isinstance(error, StoppedError):
                error.__notes__ = [going_on(folder)]
            raise
        except BaseException as error:
            error.__notes__ = [going_on(folder)]  # of a draw in a run of several, how the run goes on
            raise


def going_on(folder: Path) -> str:
    """Return the command that goes on with a run, fit to be pasted."""
    return f"{RESUME} {shlex.quote(str(folder))}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder in the block; errors as `at_work`."""
    path = folder / LOCK
    try:
        file = open(path, "a+b", buffering=0)  # noqa: SIM115 (a+: another wrote there who holds it)
    except OSError as error:
        raise disk_error(path, error) from error
    with file:
        if _lock(file, folder):
            with suppress(OSError):  # a full disk: who holds it is not told then
                file.truncate(0)
                file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
                file.flush()
        yield


def _lock(file: Any, folder: Path) -> bool:
    """Take the lock of a file, for as long as it is open; return whether its file system has any."""
    try:
        if fcntl is None:
            raise OSError(errno.ENOTSUP, "this system has no locks")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            raise UserError(f"{folder}: {_holder(file)} works in this folder; wait for its end, or end it") from error
        reason = f"its file system has no locks ({error.strerror})"
        log.warning("%s: %s; see to it yourself that no other process works in this folder", folder, reason)
        return False
    return True


def _holder(file: Any) -> str:
    """Return who holds a lock, as well as it can be read: the holder may be about to write it."""
    file.seek(0)
    try:
        written = json.loads(file.read())
        pid, host = int(written["pid"]), str(written["host"])
    except (ValueError, TypeError, KeyError, OSError):
        return "another process"
    if (pid, host) == (os.getpid(), socket.gethostname()):
        return f"this process, pid {pid},"
    return f"another process, pid {pid} on {host},"
