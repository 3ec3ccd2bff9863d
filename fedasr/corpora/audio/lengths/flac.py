"""FLAC: its head tells how many samples there are, or 0 where it was written to a pipe (RFC 9639)."""

from __future__ import annotations

from typing import BinaryIO

from fedasr.corpora.audio.lengths.extent import Extent, amended, bytes_at, size_of

# The streaminfo block follows "fLaC" and the head of a block.
_STREAMINFO, _STREAMINFO_END = 8, 42
_TOTAL = _STREAMINFO + 13
# A frame is rarely longer: 65,535 samples of 8 channels and 32 bits.
_LONGEST_FRAME = 2**21


def _crc_of_byte(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = (crc << 1 ^ (_POLYNOMIAL if crc & 0x8000 else 0)) & 0xFFFF
    return crc


_POLYNOMIAL = 0x8005
_CRC_OF_BYTE = [_crc_of_byte(byte) for byte in range(256)]


def flac_extent(stream: BinaryIO) -> Extent:
    """Return how many samples a FLAC file holds, by its last frame where the head does not tell.

    Where the head tells, the decoder finds out whether the last sample is there.
    """
    head = bytes_at(stream, 0, _STREAMINFO_END)
    if len(head) < _STREAMINFO_END or _total(head):
        return Extent()
    end = size_of(stream)
    tail = bytes_at(stream, max(_STREAMINFO_END, end - _LONGEST_FRAME), _LONGEST_FRAME)
    total = _last_sample(tail, int.from_bytes(head[_STREAMINFO : _STREAMINFO + 2], "big"))
    if total is None:
        return Extent("truncated audio: its last frame is not whole; copy the file again")
    told = bytes([head[_TOTAL] & 0xF0 | total >> 32]) + (total & 0xFFFF_FFFF).to_bytes(4, "big")
    return amended(stream, _STREAMINFO_END, {_TOTAL: told})


def _total(head: bytes) -> int:
    return int.from_bytes(head[_TOTAL : _TOTAL + 5], "big") & 2**36 - 1


def _last_sample(tail: bytes, block_size: int) -> int | None:
    """Return where the last frame ends, in samples, if it is whole: its checksum is its last two bytes."""
    position = tail.rfind(b"\xff")
    while position >= 0:
        if tail[position + 1 : position + 2] in (b"\xf8", b"\xf9") and _crc(tail[position:]) == 0:
            return _frame_end(tail[position : position + 16], block_size)
        position = tail.rfind(b"\xff", 0, position)
    return None


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


def _crc(content: bytes) -> int:
    """Return the remainder of the cyclic redundancy check of 16 bits: 0 where the checksum is the last two bytes."""
    crc = 0
    for byte in content:
        crc = crc << 8 & 0xFFFF ^ _CRC_OF_BYTE[crc >> 8 ^ byte]
    return crc
