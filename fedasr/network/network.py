"""A network: the links of the silos and of the server, and the machines behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fedasr.common.settings import Settings, number
from fedasr.network.devices import Devices
from fedasr.network.link import Link


@dataclass(frozen=True)
class Network(Settings):
    """Where a run takes place.

    Parameters
    ----------
    name : str
        What it is called; that of the file where it is left out.
    link : Link or None
        Each silo's own; None moves bytes in no time.
    server_link : Link or None
        The server's, shared by all silos; None is never in the way.
    devices : Devices
    drop_out : float
        The probability with which a silo drops out of a round.
    wait_per_doubling : float
        What waiting for each other costs, as a share of compute, for each doubling of the workers
        (fitted to published speed-ups in `fedasr.network.published`).
    peers : bool
        Whether silos reach each other; all goes through the server where they do not.
    note : str
        What the numbers stand for.
    """

    name: str
    link: Link | None = None
    server_link: Link | None = None
    devices: Devices = field(default_factory=Devices)
    drop_out: float = number(0.0, least=0, below=1)
    wait_per_doubling: float = number(0.0, least=0, below=math.inf)
    peers: bool = True
    note: str = ""
