"""Files that are whole or not there: written beside their place and moved into it."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fedasr.common.errors import DiskError, UserError
from fedasr.common.strict_json import parsed, sealed, strict

Arrays = Mapping[str, NDArray[Any]]
CONTENT = "content_sha256"
"""The key of a description under which the digest of all that its file holds stands."""
PUT_BACK = "put it back as it was, or remove it to have it made anew where a run makes it"
STORED = {np.dtype(kind) for kind in ("?", "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")}
"""The types of a safetensors file."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Raises
    ------
    UserError
        Where the disk is full or the folder may not be written to.
    """
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:  # not tempfile, whose files nobody else may read
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:  # after an interruption too
        with suppress(OSError):
            temporary.unlink()


def disk_error(path: Path, error: OSError) -> DiskError:
    """Return what to tell a user whose disk refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskError(f"{path}: the disk is full; free some space or choose another folder with --out")
    return DiskError(f"{path}: cannot be written: {error.strerror}")


def check_writable(folder: Path, option: str) -> None:
    """Refuse a folder that cannot be made, or that nothing can be written to; what lies there stays as it was.

    Parameters
    ----------
    folder : Path
    option : str
        Where it is named: ``"--out"``.

    Raises
    ------
    UserError
    """
    missing = [place for place in (folder.absolute(), *folder.absolute().parents) if not place.exists()]
    probe = folder / f".{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{option} {folder}: cannot be written to ({reason}); name another folder") from error
    finally:
        for place in missing:
            with suppress(OSError):
                place.rmdir()


def _utf8(text: str) -> bytes:
    """Return text as UTF-8; half a character, which UTF-8 has no bytes for, is written as JSON escapes it."""
    return text.encode("utf-8", "backslashreplace")


def write_json(path: Path, data: Any) -> None:
    """Write JSON, keys in the order given; an object is sealed, by which `read_json` knows damage."""
    whole = sealed(data, path.name) if isinstance(data, Mapping) else data
    write_bytes(path, _utf8(strict(whole, indent=1) + "\n"))


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises
    ------
    OSError, ValueError
        Where it cannot be read, is torn or damaged.
    """
    return parsed(path.read_text(encoding="utf-8"), path.name)


def read_object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises
    ------
    OSError, ValueError
        Where it cannot be read, is torn or damaged, or holds something else, as another file in its place may.
    """
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not a JSON object")
    return found


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines."""
    write_bytes(path, _utf8("".join(strict(row) + "\n" for row in rows)))


def append_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append JSON lines; a crash can tear the last one, which `read_lines` leaves out."""
    text = [strict(row) + "\n" for row in rows]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(text)
    except OSError as error:
        raise disk_error(path, error) from error


def append_whole(path: Path, row: Mapping[str, Any], durably: bool = True) -> None:
    """Append a JSON line; what an earlier crash left of a line goes first.

    Parameters
    ----------
    path : Path
    row : mapping
    durably : bool
        It is on the disk when this returns.

    Raises
    ------
    UserError
        Where the disk is full or the folder may not be written to.
    """
    line = strict(row) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        with path.open("a+b") as file:
            _cut_torn(file)
            file.write(_utf8(line))
            file.flush()
            if durably:
                os.fsync(file.fileno())
        if durably and is_new:
            _sync_folder(path.parent)
    except OSError as error:
        raise disk_error(path, error) from error


def _cut_torn(file: BinaryIO) -> None:
    """Cut off what stands after the last line break."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 1, 0))
    if size and file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder outlive a crash of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_lines(path: Path, mend: str = PUT_BACK) -> list[dict[str, Any]]:
    """Return JSON objects, one a line, without a torn last one and without seals; nothing where there is no file.

    Raises
    ------
    UserError
        Where another line is none.
    """
    if not path.exists():
        return []
    try:
        found = [parsed(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1] if line]
    except ValueError as error:
        raise UserError(f"{path}: corrupt (not JSON lines as they were written); {mend}") from error
    if not all(isinstance(line, dict) for line in found):
        raise UserError(f"{path}: corrupt (a line is no JSON object); {mend}")
    return found


def save_arrays(path: Path, arrays: Arrays, description: Mapping[str, Any]) -> None:
    """Write arrays and a description (as JSON) to one safetensors file.

    An array of a type that the format has not, such as complex128, stands in it as the bytes of NumPy's own format.
    """
    others = [name for name, array in arrays.items() if np.asarray(array).dtype not in STORED]
    laid = {name: _npy(array) if name in others else _contiguous(array) for name, array in arrays.items()}
    more = {"npy": json.dumps(others)} if others else {}
    about = json.loads(json.dumps(description, allow_nan=False))
    about[CONTENT] = _content_digest(laid, about, more.get("npy"))
    write_bytes(path, save(laid, metadata={"description": json.dumps(about), **more}))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content_digest(arrays: Arrays, about: Mapping[str, Any], npy: str | None) -> str:
    """Return the SHA-256 of all that a file holds: names, types, shapes, values, and what is told of them."""
    total = hashlib.sha256(json.dumps([about, npy], sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(json.dumps([name, str(array.dtype), list(array.shape)]).encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _contiguous(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array).reshape(np.shape(array))


def _npy(array: NDArray[Any]) -> NDArray[np.uint8]:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return np.frombuffer(file.getvalue(), np.uint8)


def load_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays and the description of a safetensors file.

    Raises
    ------
    UserError
        Where the file is missing or is not one of ours.
    """
    with _opened(path) as file:
        metadata = file.metadata() or {}
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        description, npy = dict(json.loads(metadata["description"])), metadata.get("npy")
        digest = description.pop(CONTENT, None)  # files of earlier versions do not say
        if digest not in (None, _content_digest(found, description, npy)) or not metadata.keys() <= {
            "description",
            "npy",
        }:
            raise UserError(f"{path}: corrupt (its bytes are not those that were written); {PUT_BACK}")
        for name in json.loads(npy or "[]"):
            found[name] = np.load(io.BytesIO(found[name].tobytes()), allow_pickle=False)
        return found, description


def load_description(path: Path) -> dict[str, Any]:
    """Return the description of a safetensors file alone; errors as `load_arrays`."""
    with _opened(path) as file:
        description: dict[str, Any] = json.loads((file.metadata() or {})["description"])
        description.pop(CONTENT, None)
        return description


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        told = f"corrupt, or not a model or checkpoint of fedasr ({type(error).__name__})"
        raise UserError(f"{path}: {told}; {PUT_BACK}") from error


def text_lines(path: Path, key: str, mend: str = "") -> list[str]:
    """Return the lines of a text file that a setting names.

    Parameters
    ----------
    path : Path
    key : str
        The setting, for messages.
    mend : str
        What to do where it cannot be read.

    Raises
    ------
    UserError
        Where it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{key}: {path}: not a text in UTF-8") from error
    except OSError as error:
        told = f"not readable ({error.strerror})"
        raise UserError("; ".join(filter(None, (f"{key}: {path}: {told}", mend)))) from error
