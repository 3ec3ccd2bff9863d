"""The machines of a cluster: what runs on each, and whether it is what the command runs."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import ray

from fedasr.common.environment import processor, versions

SHORT = 12
"""The characters of a digest that are shown."""
MEND = "install there what is here"


@dataclass(frozen=True)
class Machine:
    """A machine on which an actor works, and what runs there.

    Parameters
    ----------
    node : str
        Its address in the cluster.
    host : str
        What it calls itself.
    versions : mapping of str to str
        Of what decides the bits, with a digest of fedasr's own sources.
    processor : str
    """

    node: str
    host: str
    versions: Mapping[str, str]
    processor: str

    @property
    def name(self) -> str:
        """What it is called by, for people."""
        return f"machine {self.node} ({self.host})"

    def described(self) -> dict[str, str]:
        """Return what stands of it in ``environment.json``."""
        return {"host": self.host, **self.versions, "processor": self.processor}


def this_machine() -> Machine:
    """Return the machine that this process works on."""
    return Machine(_node(), socket.gethostname(), versions(), processor())


def _node() -> str:
    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]


def difference(machines: Iterable[Machine], ours: Mapping[str, str]) -> str:
    """Return in one line which machines run something else than this command, and what; nothing where none does."""
    found = {machine.name: _other(machine.versions, ours) for machine in machines}
    lines = [f"{name} has {other}" for name, other in found.items() if other]
    return f"{'; '.join(lines)}; {MEND}" if lines else ""


def _other(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """Return what differs: ``"torch 2.10.0 (here 2.11.0)"``."""
    names = dict.fromkeys([*ours, *theirs])
    return ", ".join(
        f"{name} {_short(theirs.get(name))} (here {_short(ours.get(name))})"
        for name in names
        if theirs.get(name) != ours.get(name)
    )


def _short(version: str | None) -> str:
    if version is None:
        return "not there"
    return version[:SHORT] if re.fullmatch(r"[0-9a-f]{64}", version) else version


def unusable(error: Exception) -> str:
    """Return in one line why an actor could not be made on its machine: fedasr, say, is not installed there."""
    text = str(error)
    place = re.search(r"ip=([^,)\s]+)", text)
    where = f"machine {place[1]}" if place else "a machine of the cluster"
    missing = re.findall(r"(?:ModuleNotFoundError|ImportError): (.+)", text)
    if missing:
        return f"{where} cannot import what a worker needs: {missing[-1]}; {MEND}, fedasr too"
    says = [line for line in text.splitlines() if line.strip()]
    return f"{where}: no worker can be started: {says[-1].strip() if says else type(error).__name__}"
