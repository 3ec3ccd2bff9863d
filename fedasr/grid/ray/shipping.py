"""Folders to other machines: cut into pieces that fit in memory, and whole or not there at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PIECE_BYTES = 1 << 26


@dataclass(frozen=True)
class Piece:
    """The next bytes of one file of a folder."""

    name: str
    content: NDArray[np.uint8]


def pieces(folder: Path, piece_bytes: int = PIECE_BYTES) -> Iterator[Piece]:
    """Yield the files directly in a folder, piece by piece; an empty file is one empty piece."""
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        size = path.stat().st_size
        for start in range(0, max(size, 1), piece_bytes):
            count = min(piece_bytes, size - start)
            yield Piece(path.name, np.fromfile(path, np.uint8, count, offset=start))


def unpack(folder: Path, parts: Iterable[Piece]) -> None:
    """Write the pieces of a folder, which appears whole; where another process was faster, its folder stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".receiving-", dir=folder.parent))
    try:
        for piece in parts:
            with (temporary / piece.name).open("ab") as file:
                file.write(piece.content.data)
        temporary.chmod(0o755)
        _publish(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _publish(temporary: Path, folder: Path) -> None:
    try:
        os.replace(temporary, folder)
    except OSError:
        if not folder.is_dir():
            raise
