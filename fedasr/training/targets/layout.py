"""The bytes of a shard, format 1; every number is little-endian.

| part | bytes |
|---|---|
| header | `fedasr-T`, version (uint32), length of the JSON and its crc32 (uint32 each), JSON of the binding, zeros up to a multiple of 64 |
| blocks | an utterance each, as they were added: log-probabilities (float16, frames × k), indices (uint16, frames × k), log tails (float16, frames); after the last one zeros up to a multiple of 8 |
| index | a column after the other, rows sorted by the hash: its first half, its second half, offset of the block (uint64 each), frames, crc32 (uint32 each) |
| footer | utterances, frames, offset of the index (uint64 each), crc32 of the index, of the header and of this footer up to here (uint32 each), `.sealed.` |

The hash is BLAKE2b of 128 bits of the utterance's id in UTF-8. A block's crc32 covers hash, offset and frames, as they
stand in the index, before the block itself: a damaged index gives no utterance the frames of another one.
"""  # noqa: E501

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedasr.common.errors import UserError
from fedasr.training.targets.binding import TargetBinding

SUFFIX = ".targets"
VERSION = 1
COLUMNS: tuple[np.dtype[Any], ...] = (
    np.dtype("<u8"),
    np.dtype("<u8"),
    np.dtype("<u8"),
    np.dtype("<u4"),
    np.dtype("<u4"),
)
ROW_BYTES = sum(column.itemsize for column in COLUMNS)
MAGIC, SEALED = b"fedasr-T", b".sealed."
_HEAD, _FOOT, _KEY = struct.Struct("<8sIII"), struct.Struct("<QQQII"), struct.Struct("<QQQI")
_HASH = struct.Struct("<QQ")
FOOTER_BYTES = _FOOT.size + 4 + len(SEALED)


@dataclass(frozen=True)
class Footer:
    """What the end of a shard says of it.

    Attributes
    ----------
    utterances, frames : int
    index : int
        Where the index begins.
    index_crc, header_crc : int
    """

    utterances: int
    frames: int
    index: int
    index_crc: int
    header_crc: int

    def to_bytes(self) -> bytes:
        """Return the footer as it is written."""
        facts = _FOOT.pack(self.utterances, self.frames, self.index, self.index_crc, self.header_crc)
        return facts + struct.pack("<I", zlib.crc32(facts)) + SEALED

    @classmethod
    def from_bytes(cls, content: bytes) -> Footer | None:
        """Return the footer that was written, or None where it is damaged or none."""
        facts, crc = content[: _FOOT.size], content[_FOOT.size : _FOOT.size + 4]
        if len(content) != FOOTER_BYTES or content[-8:] != SEALED or crc != struct.pack("<I", zlib.crc32(facts)):
            return None
        return cls(*_FOOT.unpack(facts))


def header(binding: TargetBinding) -> bytes:
    """Return the first bytes of a shard."""
    text = json.dumps(binding.to_json(), ensure_ascii=False).encode("utf-8", "backslashreplace")
    content = _HEAD.pack(MAGIC, VERSION, len(text), zlib.crc32(text)) + text
    return content + bytes(-len(content) % 64)


def read_header(content: bytes) -> tuple[TargetBinding, int]:
    """Return the binding, and how many bytes the header has.

    Parameters
    ----------
    content : bytes
        The beginning of a shard, the whole header in it.

    Raises
    ------
    UserError
        Where this is no shard, one of a newer format, or the header is damaged.
    """
    if len(content) < _HEAD.size or content[: len(MAGIC)] != MAGIC:
        raise UserError("not a shard of stored targets")
    _, version, length, crc = _HEAD.unpack_from(content)
    if version > VERSION:
        raise UserError(f"of format {version}, and this fedasr reads format {VERSION}: a newer one wrote it")
    text = content[_HEAD.size : _HEAD.size + length]
    try:
        if version != VERSION or len(text) != length or zlib.crc32(text) != crc:
            raise ValueError
        binding = TargetBinding.from_json(json.loads(text))
    except ValueError as error:
        raise UserError("its header is damaged; remove the file, and its targets are made anew") from error
    return binding, _HEAD.size + length + -(_HEAD.size + length) % 64


def block_bytes(frames: int, kept: int) -> int:
    """Return how many bytes so many frames take, of so many outputs each."""
    return frames * (4 * kept + 2)


def hashed(utterance_id: str) -> tuple[int, int]:
    """Return the two halves of the hash of an utterance's id."""
    first, second = _HASH.unpack(
        hashlib.blake2b(utterance_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    )
    return first, second


def start_of_crc(first: int, second: int, offset: int, frames: int) -> int:
    """Return the crc32 of what stands before a block in its checksum: its row of the index."""
    return zlib.crc32(_KEY.pack(first, second, offset, frames))
