"""Libraries that not everybody installs."""

from __future__ import annotations

import importlib
from typing import Any

from fedasr.common.errors import UserError


def library(name: str, module: str = "") -> Any:
    """Return a library that reads a kind of corpus; kind, library and the extra that brings it have one name.

    Parameters
    ----------
    name : str
    module : str
        Which of its modules is returned; by default the library itself.

    Raises
    ------
    UserError
        If it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(module or name)
    except ImportError as error:
        lead = f"corpus.kind '{name}' needs the extra: pip install 'fedasr[{name}]'"
        is_absent = (error.name or "").split(".")[0] == name
        raise UserError(lead if is_absent else f"{lead} ({error})") from error
