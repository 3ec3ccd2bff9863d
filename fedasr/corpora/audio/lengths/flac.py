"""FLAC: its head tells how many samples there are, or 0 where it was written to a pipe (RFC 9639)."""

from __future__ import annotations

import re
from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, amended, bytes_at, size_of

# The streaminfo block follows "fLaC" and the head of a block.
_STREAMINFO, _STREAMINFO_END = 8, 42
_TOTAL = _STREAMINFO + 13
_BEGINNING = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
# A frame is rarely longer: 65,535 samples of 8 channels and 32 bits.
_LONGEST_FRAME = 2**21
_SHORTEST_HEAD = 6


def _remainders(polynomial: int, bits: int) -> list[int]:
    """Return the remainder of a cyclic redundancy check for each byte."""
    found = []
    for byte in range(256):
        crc = byte << bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc >> bits - 1 else 0)) & (1 << bits) - 1
        found.append(crc)
    return found


_CRC_8, _CRC_16 = _remainders(0x07, 8), _remainders(0x8005, 16)


def flac_extent(stream: BinaryIO) -> Extent:
    """Return how many samples a FLAC file holds, by its last frame where the head does not tell.

    Where the head tells, the decoder finds out whether the last sample is there, but not whether others follow.
    """
    head = bytes_at(stream, 0, _STREAMINFO_END)
    if len(head) < _STREAMINFO_END:
        return Extent()
    end, block_size = size_of(stream), int.from_bytes(head[_STREAMINFO : _STREAMINFO + 2], "big")
    tail = bytes_at(stream, max(_STREAMINFO_END, end - _LONGEST_FRAME), _LONGEST_FRAME)
    if _BEGINNING.search(tail):
        return Extent("another FLAC file follows in it; part them with an editor of audio, or save it again as one")
    stated = _total(head)
    total = _last_sample(tail, block_size, is_whole=not stated)
    if stated:
        return Extent() if total in (None, stated) else _unequal(stated, total)
    if total is None:
        return Extent("truncated audio: its last frame is not whole; copy the file again")
    told = bytes([head[_TOTAL] & 0xF0 | total >> 32]) + (total & 0xFFFF_FFFF).to_bytes(4, "big")
    return amended(stream, _STREAMINFO_END, {_TOTAL: told})


def _unequal(stated: int, total: int | None) -> Extent:
    if total is not None and total < stated:
        return Extent(f"truncated audio: the header says {stated} samples, found {total}; copy the file again")
    told = f"the header says {stated} samples, but its last frame ends at {total}"
    return Extent(f"{told}; open it with an editor of audio and save it again")


def _total(head: bytes) -> int:
    return int.from_bytes(head[_TOTAL : _TOTAL + 5], "big") & 2**36 - 1


def _last_sample(tail: bytes, block_size: int, is_whole: bool) -> int | None:
    """Return where the last frame ends, in samples: by a head with its checksum, and by that of the whole if asked."""
    position = tail.rfind(b"\xff")
    while position >= 0:
        head = tail[position : position + 16]
        is_head = len(head) > _SHORTEST_HEAD and head[1] in (0xF8, 0xF9) and _has_checksum(head)
        if is_head and not (is_whole and _crc(tail[position:], _CRC_16, 16)):
            return _frame_end(head, block_size)
        position = tail.rfind(b"\xff", 0, position)
    return None


def _has_checksum(head: bytes) -> bool:
    """Return whether the byte behind the head of a frame is the checksum of the head."""
    if head[2] >> 4 == 0 or head[3] >> 4 > 10 or head[3] & 1:
        return False
    place = _coded_number(head)[1]
    place += {6: 1, 7: 2}.get(head[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    return place < len(head) and _crc(head[: place + 1], _CRC_8, 8) == 0


def _frame_end(head: bytes, block_size: int) -> int | None:
    """Return the number of the sample after a frame's last one."""
    number, place = _coded_number(head)
    code = head[2] >> 4
    if code in (6, 7):
        samples = int.from_bytes(head[place : place + code - 5], "big") + 1
    else:
        samples = {1: 192}.get(code) or (576 << code - 2 if code < 6 else 256 << code - 8)
    is_variable = head[1] & 1
    return (number if is_variable else number * block_size) + samples


def _coded_number(head: bytes) -> tuple[int, int]:
    """Return the number from the fifth byte on, coded as UTF-8 codes characters, and where it ends."""
    first, ones = head[4], 0
    while first & 0x80 >> ones:
        ones += 1
    number = first & 0x7F >> ones
    for byte in head[5 : 4 + max(1, ones)]:
        number = number << 6 | byte & 0x3F
    return number, 4 + max(1, ones)


def _crc(content: bytes, of_byte: list[int], bits: int) -> int:
    """Return the remainder of a cyclic redundancy check: 0 where the checksum stands at the end."""
    crc, mask = 0, (1 << bits) - 1
    for byte in content:
        crc = crc << 8 & mask ^ of_byte[crc >> bits - 8 ^ byte]
    return crc
