"""Pseudo-silos: public speakers who do silos' work at the server, so that it is known what to expect of silos."""

from __future__ import annotations

from dataclasses import replace

from fedasr.corpora.speech import Speech
from fedasr.grid.in_process import InProcess
from fedasr.grid.rules import Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.silo.app import SILO, SiloApp
from fedasr.silo.client import ClientHalf
from fedasr.silo.host import SiloHost


def grouped(public: Speech, speakers: int) -> list[list[str]]:
    """Return the utterances of each pseudo-silo: of so many speakers, by name; a smaller rest is left out."""
    names = public.speakers
    starts = range(0, len(names) - speakers + 1, speakers)
    groups = [public.of_speakers(names[start : start + speakers]) for start in starts]
    return [[group.id(place) for place in range(len(group))] for group in groups]


def opened(host: SiloHost, client: ClientHalf | None, public: Speech, speakers: int) -> SiloGrid:
    """Return a grid of pseudo-silos in this process, who keep nothing from another.

    They are numbered after the silos, so that they share no dice with one.

    Parameters
    ----------
    host : SiloHost
        Of the silos.
    client : ClientHalf, optional
    public : Speech
        Labelled.
    speakers : int
        Of a pseudo-silo.
    """
    groups, silos = grouped(public, speakers), host.partition.silos
    partition = replace(host.partition, silos=(*silos, *groups), held_out=())
    app = SiloApp(replace(host, partition=partition, stages=None), client)
    nodes = {place: {SILO: len(silos) + place} for place in range(len(groups))}
    rules = Rules(kinds=client.kinds() if client else {}, timeout_seconds=host.training.timeout_seconds)
    return InProcess().open_grid(app, nodes, host.streams, rules)
