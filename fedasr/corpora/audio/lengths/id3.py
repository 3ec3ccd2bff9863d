"""ID3 tags (version 2), which may stand before MP3."""

from __future__ import annotations

_HEAD = 10


def after_tags(content: bytes, position: int) -> int:
    """Return where the ID3 tags end that begin at a position: there, where none does."""
    while content[position : position + 3] == b"ID3" and len(content) >= position + _HEAD:
        size = 0
        for seven_bits in content[position + 6 : position + _HEAD]:
            size = size << 7 | seven_bits & 0x7F
        has_footer = content[position + 5] & 0x10
        position += _HEAD + size + (_HEAD if has_footer else 0)
    return position
