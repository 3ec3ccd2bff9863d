"""Reading the JSON of a run folder: forgiving, for a page of what there is; strict, for arithmetic on all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import read_lines
from fedasr.runs.filling import Record


def json_there(path: Path, remarks: list[str]) -> Any:
    """Return the content of a JSON file; None (with a remark) where it is torn, None where it is absent."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        remarks.append(f"{path.parent.name}/{path.name} could not be read and was left out.")
        return None


def lines_there(path: Path, remarks: list[str], key: str) -> Iterator[Record]:
    """Yield the records that carry the key; a killed run leaves a torn line, said in a remark."""
    if not path.is_file():
        return
    torn = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in filter(str.strip, file):
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if isinstance(record, dict) and record.get(key) is not None:
                yield record
            else:
                torn += 1
    if torn:
        remarks.append(f"{path.parent.name}/{path.name}: {torn} unreadable line(s) left out.")


def whole_json(path: Path, mend: str) -> dict[str, Any]:
    """Return a JSON object.

    Raises
    ------
    UserError
        Where there is none; `mend` says what helps where the file is absent.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found; {mend}") from None
    except (OSError, ValueError):
        raise UserError(f"{path}: not a JSON file") from None
    if not isinstance(record, dict):
        raise UserError(f"{path}: not a JSON object")
    return record


def whole_lines(path: Path) -> list[dict[str, Any]]:
    """Return JSON lines, without a torn last one.

    Raises
    ------
    UserError
        Where another line is none.
    """
    try:
        return read_lines(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not JSON lines ({type(error).__name__}); run the row again") from error
