"""The common header of twenty bytes, with the number of each codec by which blobs of before are read."""

from __future__ import annotations

import struct
import zlib

import pytest

from fedasr.wire.header import seal

PUBLISHED = {"dense": 1, "fp16": 2, "int8": 3, "threshold": 4, "top-k": 5, "powersgd": 6, "sign": 7, "changed": 8}


@pytest.mark.parametrize("codec", PUBLISHED)
def test_a_codec_keeps_its_number_for_ever(codec: str) -> None:
    head = struct.pack("<4sBBHQI", b"FASR", 1, PUBLISHED[codec], 0, 77, zlib.crc32(b"one" + b"two"))
    assert seal(codec, 77, [b"one", b"two"]) == head + b"onetwo"


def test_a_codec_from_elsewhere_is_told_by_a_checksum_of_its_name() -> None:
    head = struct.pack("<4sBBHQI", b"FASR", 1, 255, zlib.crc32(b"mine:Codec") & 0xFFFF, 3, zlib.crc32(b""))
    assert seal("mine:Codec", 3, []) == head
