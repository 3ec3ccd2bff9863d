"""Networks by name, and networks from a file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError, nearest
from fedasr.common.settings import from_table
from fedasr.network.devices import Devices
from fedasr.network.link import Link
from fedasr.network.network import Network
from fedasr.network.published import calibration

_DATA_CENTRE = Link(100e9, 100e9, latency_seconds=20e-6, message_seconds=5e-6)
_ETHERNET_2015 = Link(10e9, 10e9, latency_seconds=100e-6, message_seconds=50e-6)
_WAIT = calibration().wait_per_doubling

NETWORKS: Mapping[str, Network] = {
    network.name: network
    for network in (
        Network("none", note="bytes move in no time"),
        Network(
            "data-centre", _DATA_CENTRE, _DATA_CENTRE, wait_per_doubling=_WAIT,
            note="100 Gb/s and 20 µs between machines of one hall",
        ),
        Network(
            "cloud-2015", _ETHERNET_2015, _ETHERNET_2015, Devices(speed=20.0), wait_per_doubling=_WAIT,
            note="10 Gb/s Ethernet, 100 µs; a GPU of 2015 taken as 20 of the cores on which compute was measured",
        ),
        Network(
            "home-fibre", Link(300e6, 1e9, latency_seconds=8e-3), Link(10e9, 10e9, latency_seconds=1e-3), peers=False,
            note="1 Gb/s down, 300 Mb/s up, 8 ms; the server has 10 Gb/s",
        ),
        Network(
            "phones-4g", Link(10e6, 30e6, latency_seconds=25e-3, loss=1e-4), Link(10e9, 10e9, latency_seconds=1e-3),
            Devices("lognormal", speed=0.3, sigma=0.5, straggler_share=0.05, straggler_slowdown=3.0), drop_out=0.1,
            peers=False,
            note="30 Mb/s down, 10 Mb/s up, 25 ms, 1 segment in 10,000 lost; a phone taken as 0.3 of a core, "
            "spread by e^±0.5; 1 in 20 lags threefold and 1 in 10 drops out of a round",
        ),
    )
}  # fmt: skip


def build_network(name_or_path: str) -> Network:
    """Return a preset by its name, or the network that a TOML file describes.

    A file holds the fields of `Network`, with tables ``[link]``, ``[server_link]`` and ``[devices]``;
    ``devices.path`` is relative to the file.

    Raises
    ------
    UserError
        Unknown names and keys, with the nearest known; values out of bounds.
    """
    if name_or_path in NETWORKS:
        return NETWORKS[name_or_path]
    path = Path(name_or_path)
    if path.suffix != ".toml":
        known = nearest(name_or_path, NETWORKS)
        raise UserError(f"network '{name_or_path}': no such preset{known}; or name a .toml file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; name a preset or a .toml file") from error
    except ValueError as error:
        raise UserError(f"{path}: not a TOML file: {error}") from error
    return _from_file(table, path)


def _from_file(table: dict[str, Any], path: Path) -> Network:
    network = from_table(Network, {"name": path.stem, **table}, str(path))
    if not network.devices.path:
        return network
    return replace(network, devices=replace(network.devices, path=str(path.parent / network.devices.path)))
