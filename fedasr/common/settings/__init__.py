"""One dialect of settings: frozen dataclasses whose limits stand beside their fields, and tables that fill them.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Spice(Settings):
...     heat: float = number(0.5, least=0, below=1)
>>> from_table(Spice, {"heat": 2}, "dish.toml")
Traceback (most recent call last):
fedasr.common.settings.mistakes.SettingsError: dish.toml: 'heat' must be a number of at least 0 and below 1, not 2
"""

from fedasr.common.settings.limits import Limits, least, limits_of, number, one_of, share
from fedasr.common.settings.mistakes import Mistake, SettingsError
from fedasr.common.settings.settings import Settings
from fedasr.common.settings.tables import from_table, to_table

__all__ = [
    "Limits", "Mistake", "Settings", "SettingsError", "from_table", "least", "limits_of", "number", "one_of",
    "share", "to_table",
]  # fmt: skip
