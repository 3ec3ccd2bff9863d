"""Whether arrays hold numbers only, before they travel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.messages.records import array_records, arrays_of


def not_finite(arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """Return the name of the first array that holds a NaN or an infinity, None where none does."""
    return next((name for name, array in arrays.items() if array.dtype.kind in "fc" and not _is_finite(array)), None)


def check_sent(contents: Iterable[RecordDict]) -> None:
    """Refuse to send what the server spoilt: it would come back spoilt, and silos would be blamed for it.

    Raises
    ------
    RowError
        Naming the array.
    """
    for content in contents:
        for record in array_records(content).values():
            if bad := not_finite(arrays_of(record)):
                raise RowError(f"the server would send values that are not finite in '{bad}': its own step made them")


def _is_finite(array: NDArray[Any]) -> bool:
    """Return whether all values are finite; each is looked at only where their sum is not."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()) or np.isfinite(array).all())
