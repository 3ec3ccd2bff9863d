"""Links and clocks: simulated time from bytes and compute."""

from fedasr.network.devices import Devices, dropped
from fedasr.network.link import Link
from fedasr.network.network import Network
from fedasr.network.presets import NETWORKS, build_network
from fedasr.network.published import calibration, prediction_table
from fedasr.network.round_time import RoundTime, SiloWork, round_seconds
from fedasr.network.topology import ALL_TO_ALL, RING, SERVER, TOPOLOGIES, ExchangeCost, exchange

__all__ = [
    "ALL_TO_ALL", "NETWORKS", "RING", "SERVER", "TOPOLOGIES", "Devices", "ExchangeCost", "Link", "Network",
    "RoundTime", "SiloWork", "build_network", "calibration", "dropped", "exchange", "prediction_table",
    "round_seconds",
]  # fmt: skip
