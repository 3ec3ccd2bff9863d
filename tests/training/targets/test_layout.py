"""The bytes of format 1: a store that was written stays readable."""

import hashlib
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from support.stored_targets import BINDING, seal

from fedasr.training.targets.binding import TargetBinding
from fedasr.training.targets.layout import FOOTER_BYTES, ROW_BYTES, Footer, block_bytes, header, read_header
from fedasr.training.targets.top import TopTargets

GOLDEN = "6026cb9bb34e37ad0a939a3620a49a06a2b5b453d2c4ded8ce6dd9d038d8f80b"
TWO = TargetBinding("t", "f", "i", outputs=300, frames_stacked=3, top_k=2)
# -0.5, -1, -2 and -inf as float16; 258 and 3 as uint16.
LOGS, INDICES, TAILS = b"\x00\xb8\x00\xbc", b"\x02\x01\x03\x00", b"\x00\xc0"
FRAME = TopTargets(
    np.array([[-0.5, -1]], np.float16), np.array([[258, 3]], np.uint16), np.array([-2], np.float16)
)  # fmt: skip
EMPTY = TopTargets(np.empty((0, 2), np.float16), np.empty((0, 2), np.uint16), np.empty(0, np.float16))


def by_hand() -> bytes:
    """The shard of an utterance of one frame and of an empty one, as the table in `layout` has it."""
    text = b'{"teacher": "t", "features": "f", "inventory": "i", "outputs": 300, "frames_stacked": 3, "top_k": 2}'
    start = b"fedasr-T" + struct.pack("<III", 1, len(text), zlib.crc32(text)) + text
    start += bytes(128 - len(start))
    block = LOGS + INDICES + TAILS
    rows = []
    for name, offset, frames, content in (("ann-1", 128, 1, block), ("bob-ü", 138, 0, b"")):
        halves = struct.unpack("<QQ", hashlib.blake2b(name.encode(), digest_size=16).digest())
        rows.append((*halves, offset, frames, zlib.crc32(struct.pack("<QQQI", *halves, offset, frames) + content)))
    columns = zip(("<QQ", "<QQ", "<QQ", "<II", "<II"), *sorted(rows), strict=True)
    index = b"".join(struct.pack(kind, *column) for kind, *column in columns)
    facts = struct.pack("<QQQII", 2, 1, 144, zlib.crc32(index), zlib.crc32(start))
    return start + block + bytes(6) + index + facts + struct.pack("<I", zlib.crc32(facts)) + b".sealed."


def test_the_bytes_are_those_of_the_table(tmp_path: Path) -> None:
    found = seal(tmp_path / "a.targets", {"ann-1": FRAME, "bob-ü": EMPTY}, TWO).read_bytes()
    assert found == by_hand()
    assert hashlib.sha256(found).hexdigest() == GOLDEN


def test_sizes_are_what_is_promised() -> None:
    """84 bytes a frame with everything, for k = 20 and utterances of half a second and more."""
    assert (block_bytes(100, 20), ROW_BYTES, FOOTER_BYTES) == (8200, 32, 44)
    assert (block_bytes(17, 20) + ROW_BYTES) / 17 <= 84


@pytest.mark.parametrize("place", range(FOOTER_BYTES))
def test_a_damaged_footer_is_none(place: int) -> None:
    content = bytearray(Footer(1, 2, 3, 4, 5).to_bytes())
    assert Footer.from_bytes(bytes(content)) == Footer(1, 2, 3, 4, 5)
    content[place] ^= 1
    assert Footer.from_bytes(bytes(content)) is None


def test_a_header_comes_back() -> None:
    content = header(BINDING)
    assert read_header(content + b"more") == (BINDING, len(content))
    assert len(content) % 64 == 0
    assert json.loads(content[20:].rstrip(b"\0")) == BINDING.to_json()
