"""One row of the comparison."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fedasr.common.settings import Mistake, Settings

ROW = "row:"
"""So begins a start that is another row's end."""
MOST_BYTES_OF_A_NAME = 200
"""A folder's name has at most 255, and a seed may be added."""


@dataclass(frozen=True)
class RowSpec(Settings):
    """One row of the comparison: a point in strategy × objective × protection × codec.

    Parameters
    ----------
    name : str
        The row and its folder.
    strategy : str
        A name of the entry-point group ``fedasr.strategies``, or ``module:Class``.
    objective : str
        A name of the entry-point group ``fedasr.objectives``, or ``module:Class``.
    protection : str
        A name of the entry-point group ``fedasr.protections``, or ``module:Class``.
    codec : str
        What replies travel as; ``"auto"`` is what the strategy proposes, ``"dense"`` where it proposes nothing.
    client : str
        What the silos do: a name of the entry-point group ``fedasr.clients``, or ``module:Class``; ``"auto"`` is the
        client half that the strategy names, fedasr's own answers where it names none.
    network : str
        The simulated links: ``"none"``, a preset's name, or the path of a TOML file.
    options : mapping
        Settings of the strategy; keyword arguments of one that names no settings, such as Flower's own.
    codec_options : mapping
        Settings of the codec.
    client_options : mapping
        Settings of the client half that `client` names.
    objective_options : mapping
        Settings of the objective.
    protection_options : mapping
        Settings of the protection.
    training : mapping
        Settings of ``[training]`` that differ in this row.
    central : mapping
        Settings of ``[central]`` that differ in this row.
    start : str
        ``"experiment"``, the start that rows share; or ``"row:NAME"``: the model that an earlier row made, with
        what its silos kept and what it has spent.
    role : str
        The recogniser that the row trains and is scored by: the experiment's own, or that of a role (``"teacher"``).
    tuned : str
        What was chosen for this row, among what and on which speech, in words for the page.
    """

    name: str
    strategy: str
    objective: str = "supervised"
    protection: str = "none"
    codec: str = "auto"
    client: str = "auto"
    network: str = "none"
    options: Mapping[str, Any] = field(default_factory=dict)
    codec_options: Mapping[str, Any] = field(default_factory=dict)
    client_options: Mapping[str, Any] = field(default_factory=dict)
    objective_options: Mapping[str, Any] = field(default_factory=dict)
    protection_options: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)
    start: str = "experiment"
    role: str = ""
    tuned: str = ""

    @property
    def parent(self) -> str | None:
        """The row that this one begins from, None for the experiment's start."""
        return self.start.removeprefix(ROW) if self.start.startswith(ROW) else None

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse names that cannot be a folder's."""
        if not re.fullmatch(r"[\w+-][\w.+-]*", self.name):
            rule = "which may hold letters, digits and . _ + - only, and not begin with a full stop"
            yield Mistake(f"{{0}} is '{self.name}', {rule}", ("name",))
        if len(self.name.encode()) > MOST_BYTES_OF_A_NAME:
            yield Mistake(f"{{0}} is too long for a folder: at most {MOST_BYTES_OF_A_NAME} bytes", ("name",))
        if self.parent is None and self.start != "experiment":
            yield Mistake(f"{{0}} is '{self.start}'; write 'experiment', or 'row:' and the name of a row", ("start",))
