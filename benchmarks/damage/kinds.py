"""What is done to a file: truncate, flip a bit, swap with another, delete, fill."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Damage:
    """What was done to a file."""

    kind: str
    path: Path
    told: str


def truncate(path: Path, others: list[Path], dice: random.Random) -> str:
    size = path.stat().st_size
    kept = dice.randrange(size) if size else 0
    path.write_bytes(path.read_bytes()[:kept])
    return f"to {kept} of {size} bytes"


def flip(path: Path, others: list[Path], dice: random.Random) -> str:
    content = bytearray(path.read_bytes() or b"\0")
    place, bit = dice.randrange(len(content)), dice.randrange(8)
    content[place] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {place} of {len(content)}"


def swap(path: Path, others: list[Path], dice: random.Random) -> str:
    other = dice.choice([one for one in others if one.suffix == path.suffix and one != path] or others)
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)
    return f"with {other}"


def delete(path: Path, others: list[Path], dice: random.Random) -> str:
    path.unlink()
    return ""


def fill(path: Path, others: list[Path], dice: random.Random) -> str:
    content = bytearray(path.read_bytes() or b"\0")
    begin = dice.randrange(len(content))
    end = dice.randrange(begin, len(content)) + 1
    content[begin:end] = dice.choice((b"\0", b"\xff", b" ", b"9")) * (end - begin)
    path.write_bytes(content)
    return f"bytes {begin} to {end} of {len(content)}"


DAMAGES: dict[str, Callable[[Path, list[Path], random.Random], str]] = {
    "truncate": truncate, "flip": flip, "swap": swap, "delete": delete, "fill": fill,
}  # fmt: skip


def damaged(place: Path, files: list[Path], kind: str, dice: random.Random) -> Damage:
    """Damage one of the files below a place."""
    rooms = sorted({path.relative_to(place).parts[0] for path in files})
    room = dice.choice([*rooms, "run", "run"])  # most of what is read lies there
    path = dice.choice([path for path in files if path.relative_to(place).parts[0] == room])
    return Damage(kind, path, DAMAGES[kind](path, [one for one in files if one != path], dice))
