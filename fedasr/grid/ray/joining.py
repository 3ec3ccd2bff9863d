"""The Ray that actors live on: one of our own on this machine, a cluster, or the one that this process is in."""

from __future__ import annotations

import logging
import os
import re
import time
from dataclasses import dataclass

import ray
from ray.util.client import ray as client

from fedasr.common.errors import UserError
from fedasr.common.interruption import handlers_kept
from fedasr.grid.ray.address import AUTO, cluster_address, other_versions

log = logging.getLogger("fedasr")
SOCKET = "ray/session_2026-01-01_00-00-00_000000_{pid}/sockets/plasma_store"
"""The longest path of a socket that Ray makes below its folder."""
SOCKET_BYTES = 107 if os.uname().sysname == "Linux" else 103
"""How long the path of a socket may be."""
FREE_SECONDS = 5.0
"""How long the processors of a row that has ended may take until they are free again."""
WITHOUT = 'or use no Ray (--grid process, grid="process")'


@dataclass(frozen=True)
class Joined:
    """A Ray that was joined.

    Parameters
    ----------
    workers : int
        How many actors it is to hold.
    is_ours : bool
        It ends with us.
    is_here : bool
        All of it is on this machine, and started from this installation.
    """

    workers: int
    is_ours: bool
    is_here: bool

    def leave(self) -> None:
        """Let it go, where it is ours."""
        if self.is_ours:
            ray.shutdown()


def asked_for(address: str | None) -> str | None:
    """Return the address that is to be joined: within a Ray job that of its cluster, where none is given."""
    known = os.environ.get("RAY_ADDRESS")
    if address is not None or ray.is_initialized():
        return address
    if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
        log.warning("within a Ray job: its cluster is joined (as by --address auto)")
        return AUTO
    if known:
        log.warning("RAY_ADDRESS=%s is not used: a Ray of its own is started here; --address auto joins it", known)
    return None


def check_place(address: str | None) -> None:
    """Refuse at once where no Ray can be joined or started.

    Raises
    ------
    UserError
        With what is to be written, or to be set.
    """
    is_in_one = ray.is_initialized()
    if address is None and not is_in_one:
        _check_sockets()
    if address is not None and not (is_in_one and address == AUTO):
        place = cluster_address(address)
        if place is not None and not is_in_one:
            place.check()


def join(workers: int, address: str | None = None) -> Joined:
    """Join a cluster, take the Ray of this process, or start one.

    Parameters
    ----------
    workers : int
        How many actors are wanted.
    address : str, optional
        Of a cluster.

    Raises
    ------
    UserError
        Where that cannot be, in one line.
    """
    if client.is_connected():  # type: ignore[no-untyped-call]
        raise UserError(f"this process is a client of Ray (ray://…): not supported; ray.shutdown() first, {WITHOUT}")
    if ray.is_initialized():
        return _running(workers, address)
    check_place(address)
    try:
        with handlers_kept():
            ray.init(
                address=address or "local", num_cpus=None if address else workers,
                include_dashboard=None if address else False, log_to_driver=False, logging_level=logging.ERROR,
                configure_logging=False,
            )  # fmt: skip
    except Exception as error:
        ray.shutdown()
        raise UserError(_refusal(error, address)) from error
    except BaseException:  # an interruption
        ray.shutdown()
        raise
    return Joined(workers, is_ours=True, is_here=not address)


def _running(workers: int, address: str | None) -> Joined:
    """Take the Ray of this process, which somebody started for more than us, as it is."""
    here = ray.get_runtime_context().gcs_address
    if address not in (None, AUTO, here):
        raise UserError(
            f"--address {address}: this process is in the Ray at {here} already; leave it out, or ray.shutdown() first"
        )
    free = _free(workers)
    if not free:
        raise UserError(f"the Ray of this process has no processor free for a worker; ray.shutdown() first, {WITHOUT}")
    if free < workers:
        log.warning("the Ray of this process has processors free for %d of %d workers", free, workers)
    return Joined(min(free, workers), is_ours=False, is_here=False)


def _free(workers: int) -> int:
    """Return how many processors nobody uses, once there are as many as are wanted or none comes free any more."""
    deadline = time.monotonic() + FREE_SECONDS
    all_of_them = ray.cluster_resources().get("CPU", 0)  # type: ignore[no-untyped-call]
    while True:
        free = int(ray.available_resources().get("CPU", 0))  # type: ignore[no-untyped-call]
        if free >= min(workers, all_of_them) or time.monotonic() > deadline:
            return free
        time.sleep(0.1)


def _check_sockets() -> None:
    """Refuse a folder for temporary files in which Ray's sockets would have too long a path."""
    name = next((name for name in ("RAY_TMPDIR", "TMPDIR") if name in os.environ), "")
    folder = os.environ.get(name, "/tmp")
    length = len(os.fsencode(os.path.join(folder, SOCKET.format(pid=os.getpid()))))
    if length > SOCKET_BYTES:
        raise UserError(
            f"{name}={folder}: too long by {length - SOCKET_BYTES} bytes for Ray's sockets below it; "
            f"set RAY_TMPDIR to a shorter folder, such as /tmp, {WITHOUT}"
        )


def _refusal(error: Exception, address: str | None) -> str:
    """Return in one line why Ray could not be joined or started."""
    said = f"--address {address}" if address else "Ray cannot be started here"
    says = " ".join(str(error).split()) or type(error).__name__
    if "ersion mismatch" in says:
        found = re.findall(r"Ray: (\S+) Python: (\S+)", says)
        if len(found) == 2:
            theirs, ours = (f"Ray {versions[0]} on Python {versions[1]}" for versions in found)
            return other_versions(said, theirs, ours)
    return f"{said}: {says}; {'is a Ray running there?' if address else WITHOUT}"
