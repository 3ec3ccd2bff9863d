"""The lines of a text file, one after another: UTF-8 on any machine, a byte order mark taken off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fedasr.common.errors import UserError


def numbered_lines(path: Path, what: str) -> Iterator[tuple[int, str]]:
    """Yield each line with its number from 1 on, without its end: LF, CRLF or CR and nothing else ends a line.

    Parameters
    ----------
    path : Path
    what : str
        What messages call the file.

    Raises
    ------
    UserError
        Where the file cannot be read, or naming the first line that is not UTF-8 text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline=None) as stream:
            for number, line in enumerate(stream, start=1):
                if number == 1 and "\0" in line:  # UTF-16 without its mark is valid UTF-8
                    raise UserError(f"{path}:1: the {what} is not UTF-8 text; save it as UTF-8")
                yield number, line.removesuffix("\n")
    except OSError as error:
        raise UserError(f"{path}: cannot read the {what} ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{_place(path)}: the {what} is not UTF-8 text; save it as UTF-8") from error


def read_text(path: Path, what: str) -> str:
    """Return the text of a UTF-8 file, or say why it cannot be read."""
    return "\n".join(line for _, line in numbered_lines(path, what))


def _place(path: Path) -> str:
    """Return ``file:line`` of the first line that is not UTF-8."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return f"{path}:{number}"
    return str(path)
