"""The clock of a row: simulated time from the messages of a round and a cost measured once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Outcome
from fedasr.messages.kinds import kind_of
from fedasr.messages.traffic import Traffic
from fedasr.network import SERVER, Network, SiloWork, round_seconds


@dataclass(frozen=True)
class RoundClock:
    """Simulated seconds of a round: all, and the part that the network adds."""

    seconds: float
    communication_seconds: float


@dataclass(frozen=True)
class Clock:
    """Gives each round its simulated time.

    Parameters
    ----------
    network : Network
    seconds_per_audio_second : float
        Of training, on a device of speed 1.
    streams : Streams
        Those of the experiment, not of a row: silos have the same devices in all rows.
    """

    network: Network
    seconds_per_audio_second: float
    streams: Streams

    def round(
        self, round: int, traffic: Sequence[Traffic], outcomes: Sequence[Outcome], central_audio_seconds: float = 0.0
    ) -> RoundClock:
        """Return the time of a round of messages through the server, followed by training in the centre.

        Silos that dropped out are in the traffic without a reply: they delay nobody. A reply that does
        not say how much speech was trained on costs the processor time that it took.
        """
        work = self._work(traffic, outcomes)
        present = replace(self.network, drop_out=0.0)  # who drops out was drawn before the messages went out
        time = round_seconds(present, round, work, SERVER, self.streams.sequence("network"))
        central = central_audio_seconds * self.seconds_per_audio_second / self.network.devices.median_speed()
        return RoundClock(time.total + central, time.communication)

    def _work(self, traffic: Sequence[Traffic], outcomes: Sequence[Outcome]) -> list[SiloWork]:
        measured = {outcome.request.silo: outcome.cpu_seconds for outcome in outcomes}
        answered = sorted({message.silo for message in traffic if message.direction == "up"})
        sizes = {(silo, way): 0 for silo in answered for way in ("up", "down")}
        compute = dict.fromkeys(answered, 0.0)
        for message in (m for m in traffic if m.silo in compute):
            sizes[message.silo, message.direction] += message.blob_bytes + message.envelope_bytes
            if message.direction == "up":
                compute[message.silo] += self._compute(message, measured.get(message.silo, 0.0))
        return [SiloWork(silo, compute[silo], sizes[silo, "up"], sizes[silo, "down"]) for silo in answered]

    def _compute(self, message: Traffic, measured: float) -> float:
        if message.audio_seconds is not None:
            return message.audio_seconds * self.seconds_per_audio_second
        return measured if kind_of(message.kind).trains else 0.0
