"""Where a Ray cluster is said to be, and whether one answers there: Ray itself would try for minutes."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass

import grpc
import ray
from ray._private import services

from fedasr.common.errors import UserError

AUTO = "auto"
"""The cluster that this machine belongs to."""
FORM = "write HOST:PORT of the cluster's head, such as 10.0.0.1:6379 (IPv6: [::1]:6379), or auto"
WAIT_SECONDS = 8.0
"""How long a name, a machine or a head may take to answer; there are two waits."""
ALIVE = "/ray.rpc.NodeInfoGcsService/CheckAlive"
"""What every head is asked; its answer holds its version of Ray."""
NOT_RAY = {
    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED,
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """The address of a cluster's head.

    Parameters
    ----------
    said : str
        As it was given: ``--address 10.0.0.1:6379``, for messages.
    host : str
    port : int
    """

    said: str
    host: str
    port: int

    def check(self) -> None:
        """Refuse an address where nothing, or something else than a Ray head of this version, listens.

        Raises
        ------
        UserError
            Within some twenty seconds.
        """
        try:
            socket.create_connection((self.host, self.port), timeout=WAIT_SECONDS).close()
        except OSError as error:
            mend = "start one with ray start --head"
            raise UserError(f"{self.said}: no Ray head answers there ({error}); {mend}") from error
        if os.environ.get("RAY_USE_TLS", "0") != "1":  # a channel without certificates would tell nothing
            self._check_version(self._asked())

    def _asked(self) -> bytes:
        host = f"[{self.host}]" if ":" in self.host else self.host
        with grpc.insecure_channel(f"{host}:{self.port}", [("grpc.enable_http_proxy", 0)]) as channel:
            try:
                return bytes(channel.unary_unary(ALIVE)(b"", timeout=WAIT_SECONDS))
            except grpc.RpcError as error:
                if error.code() not in NOT_RAY:  # it wants a token, say: Ray tells
                    return b""
                mend = "name the port that ray start --head printed, 6379 by default"
                raise UserError(f"{self.said}: what listens there is no Ray head; {mend}") from error

    def _check_version(self, answer: bytes) -> None:
        """Compare with the version in the answer, its second field; one without it is left to Ray."""
        found = re.search(rb"\x12[\x03-\x20](\d+\.\d+\.[\w.+-]+)", answer)
        if found and (theirs := found[1].decode()) != ray.__version__:
            raise UserError(other_versions(self.said, theirs, ray.__version__))


def _found() -> str | None:
    """Return the address that Ray finds for this machine; the file that it reads may outlive the cluster."""
    find = getattr(services, "canonicalize_bootstrap_address", None)
    try:
        return str(find(AUTO)) if find else None
    except ConnectionError as error:
        mend = "start one with ray start --head, or write HOST:PORT"
        raise UserError(f"--address auto: no Ray runs on this machine; {mend}") from error


def cluster_address(address: str | None) -> Address | None:
    """Return where ``--address`` points; None where only Ray can tell.

    Raises
    ------
    UserError
        Where it cannot be an address, with what is to be written.
    """
    said, known = f"--address {address or ''}".rstrip(), os.environ.get("RAY_ADDRESS", "").strip()
    if address == AUTO:
        if known in ("", AUTO):
            address = _found()
            said = f"--address auto: {address}"
        else:
            said, address = f"--address auto: RAY_ADDRESS={known}", known
    if address is None:
        return None
    if not address.strip():
        raise UserError(f"--address is empty; {FORM}, or leave it out: a Ray of its own is started here then")
    if address == "local":
        raise UserError(f"{said}: leave it out; a Ray of its own is started here then")
    if address.startswith("ray://"):
        mend = "run the command on a machine of the cluster (ray job submit does)"
        raise UserError(f"{said}: Ray's client is not supported; {mend} with --address auto or HOST:6379")
    if "://" in address:
        raise UserError(f"{said}: not the address of a head; {FORM}")
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:\[\]\s/]+)):(\d{1,5})", address)
    if not found or not 0 < int(found[3]) < 65536:
        raise UserError(f"{said}: not an address; {FORM}")
    return Address(said, found[1] or found[2], int(found[3]))


def other_versions(said: str, theirs: str, ours: str) -> str:
    """Return how a cluster of other versions is refused."""
    return f"{said}: the cluster runs {_ray(theirs)}, this command {_ray(ours)}; install the same on all machines"


def _ray(versions: str) -> str:
    return versions if "Ray" in versions else f"Ray {versions}"
