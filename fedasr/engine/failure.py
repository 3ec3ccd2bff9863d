"""Why a row failed, in a line, and where in the code."""

from __future__ import annotations

import traceback

from fedasr.common.errors import RowError, UserError
from fedasr.runs.file_names import FAILURE
from fedasr.runs.row_folder import RowFolder


def reason_of(failure: Exception, folder: RowFolder) -> str:
    """Return why a row failed; what nobody foresaw has its traceback in the row's folder.

    Parameters
    ----------
    failure : Exception
        A `RowError` or `UserError` says it all, unless another error is behind it, such as a strategy's.
    folder : RowFolder
    """
    is_foreseen = isinstance(failure, RowError | UserError)
    cause = failure.__cause__ if is_foreseen else failure
    if cause is not None and not isinstance(cause, RowError | UserError):
        folder.write_failure("".join(traceback.format_exception(cause)))
    if is_foreseen:
        return "; ".join(str(failure).splitlines())
    told = " ".join(str(failure).split()) or "no reason given"
    return f"{type(failure).__name__}: {told} (an error of fedasr: {folder.path / FAILURE} says where)"
