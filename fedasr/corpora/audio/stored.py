"""Where the bytes of audio are: in a file, or in memory."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from fedasr.common.errors import UserError
from fedasr.corpora.audio.lengths import Extent

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Stored(Protocol):
    """Encoded audio."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def open(self) -> BinaryIO:
        """Return its bytes, which can be sought in."""


@dataclass(frozen=True)
class StoredFile:
    """Audio in a file.

    Parameters
    ----------
    path : Path
    """

    path: Path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def open(self) -> BinaryIO:
        """Open the file, or raise `UserError`."""
        try:
            if not self.path.exists():
                raise UserError(f"{self.path}: no such audio file; correct the path, or remove the entry")
            if self.path.is_dir():
                raise UserError(f"{self.path}: a folder, not an audio file; correct the path")
            if not self.path.is_file():  # a pipe would be waited for, and cannot be read twice
                raise UserError(f"{self.path}: not a regular file; write the audio to one")
            return self.path.open("rb")
        except OSError as error:
            told = f"cannot read the audio file ({error.strerror})"
            raise UserError(f"{self.path}: {told}; correct the path, or make it readable") from error


@dataclass(frozen=True)
class StoredBytes:
    """Audio in memory.

    Parameters
    ----------
    name : str
        What messages call it.
    content : bytes
    """

    name: str
    content: bytes = field(repr=False)

    def open(self) -> BinaryIO:
        """Return the bytes."""
        return io.BytesIO(self.content)


class Headed(io.RawIOBase):
    """A stream whose first bytes are others.

    Parameters
    ----------
    stream : BinaryIO
    extent : Extent
        Its head stands in the place of the first bytes, as many as it skips.
    """

    def __init__(self, stream: BinaryIO, extent: Extent) -> None:
        self._stream, self._head = stream, extent.head
        self._shift = len(extent.head) - extent.skip
        self._end = stream.seek(0, io.SEEK_END) + self._shift
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        content = self._head[self._position : self._position + len(view)]
        if len(content) < len(view):
            self._stream.seek(self._position + len(content) - self._shift)
            content += self._stream.read(len(view) - len(content))
        view[: len(content)] = content
        self._position += len(content)
        return len(content)
