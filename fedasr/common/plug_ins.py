"""Code that others wrote and an experiment names: whatever it raises is one line with its file and line number."""

from __future__ import annotations

import importlib
import os
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError

LIBRARIES = (sysconfig.get_path("stdlib") + os.sep, str(Path(__file__).parents[1]) + os.sep, "<")
"""Where the code of Python and of fedasr lies; that of packages lies in folders called as `PACKAGES`."""
PACKAGES = ("site-packages", "dist-packages")


@contextmanager
def plugged_in(lead: str, module: str) -> Iterator[None]:
    """Turn whatever the block raises into one line, but for what is told already and the user's own interruption.

    Parameters
    ----------
    lead : str
        What the line begins with: ``"the codec 'mine:Codec'"``.
    module : str
        Where the code stands, as it is imported.

    Raises
    ------
    UserError
        In the place of anything else, `SystemExit` included.
    """
    try:
        yield
    except (UserError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise UserError(f"{lead}: {told(error, module)}") from error


def imported(module: str, attribute: str) -> Any:
    """Return what a module calls by a name; it may raise anything."""
    return getattr(importlib.import_module(module), attribute)


def watched(read: Callable[[], Iterable[Any]], lead: str, module: str) -> Iterator[Any]:
    """Yield what somebody's code yields; errors as `plugged_in`."""
    with plugged_in(lead, module):
        yield from read()


def told(error: BaseException, module: str = "") -> str:
    """Return an error in one line: its kind, what it says, and where in the module's code it was raised."""
    says = error.msg if isinstance(error, SyntaxError) else str(error)
    name = "" if isinstance(error, ImportError) else type(error).__name__
    return ": ".join(part for part in (name, " ".join(says.split())) if part) + _place(error, module)


def _place(error: BaseException, module: str) -> str:
    """Return the innermost line of its author's code: no library's and, unless it lies among these, not fedasr's."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}, line {error.lineno})"
    package, own, near = module.partition(".")[0], "", ""
    for frame, line in [*traceback.walk_tb(error.__traceback__)][2:]:  # behind `plugged_in` and its block
        file = frame.f_code.co_filename
        place = f" ({file}, line {line})"
        if not file.startswith(LIBRARIES) and not any(name in Path(file).parts for name in PACKAGES):
            near = place
        if file != __file__ and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            own = place
    return near or own
