"""Reading the JSON of a run folder: forgiving, for a page of what there is; strict, for arithmetic on all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import PUT_BACK, read_json, read_lines, read_object
from fedasr.runs.filling import Record


def json_there(path: Path, remarks: list[str]) -> Any:
    """Return the content of a JSON file; None (with a remark) where it is torn, None where it is absent."""
    if not path.is_file():
        return None
    try:
        return read_json(path)
    except (OSError, ValueError):
        remarks.append(f"{path.parent.name}/{path.name} is corrupt and was left out.")
        return None


def known_json(path: Path, mend: str) -> dict[str, Any] | None:
    """Return a JSON object that must not be passed over; None where its file is absent.

    Raises
    ------
    UserError
        Where it is torn or damaged; `mend` says what helps.
    """
    if not path.is_file():
        return None
    try:
        return read_object(path)
    except (OSError, ValueError):
        raise UserError(f"{path}: corrupt; {mend}") from None


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
        record = read_json(path)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; {mend}") from None
    except (OSError, ValueError):
        raise UserError(f"{path}: corrupt, or not a JSON file; {mend or PUT_BACK}") from None
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
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({type(error).__name__}); run the row again") from error
