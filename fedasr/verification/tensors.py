"""A safetensors file, read by its format: a length, a JSON header, the bytes of the tensors one after another."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {
    "BOOL": "bool", "F16": "float16", "F32": "float32", "F64": "float64", "I8": "int8", "I16": "int16", "I32": "int32",
    "I64": "int64", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64",
}  # fmt: skip
"""NumPy's names of the format's types."""


@dataclass(frozen=True)
class Tensor:
    """One tensor as it is stored.

    Attributes
    ----------
    type : str
        NumPy's name.
    shape : tuple of int
    content : bytes
        Little-endian, in C order.
    """

    type: str
    shape: tuple[int, ...]
    content: bytes

    def array(self) -> NDArray[Any]:
        """Return it as an array."""
        return np.frombuffer(self.content, np.dtype(self.type).newbyteorder("<")).reshape(self.shape)


@dataclass(frozen=True)
class Tensors:
    """What a file holds.

    Attributes
    ----------
    tensors : mapping
        By name.
    metadata : mapping of str to str
    """

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]

    @property
    def description(self) -> dict[str, Any]:
        """What stands beside the tensors, as JSON."""
        found: dict[str, Any] = json.loads(self.metadata["description"])
        return found


def read_tensors(path: Path) -> Tensors:
    """Return the tensors of a file.

    Raises
    ------
    ValueError, KeyError
        Where it is not of the format.
    """
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8]) if len(content) >= 8 else (len(content),)
    header, rest = json.loads(content[8 : 8 + length]), content[8 + length :]
    metadata = header.pop("__metadata__", {})
    found = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        tensor = Tensor(TYPES[entry["dtype"]], tuple(entry["shape"]), rest[first:last])
        if tensor.array().nbytes != last - first:
            raise ValueError(f"{name}: its bytes are cut off")
        found[name] = tensor
    return Tensors(found, metadata)


def weights_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, shapes, types other than float32, and bytes, in the order of the names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        kind = "" if tensor.type == "float32" else f" {tensor.type}"
        total.update(f"{name} {tensor.shape or (1,)}{kind}\n".encode() + tensor.content)
    return total.hexdigest()


def release_digest(tensors: Mapping[str, Tensor], draw: str) -> str:
    """Return the SHA-256 of the number of the draw, then of names, types, shapes and bytes."""
    total = hashlib.sha256(draw.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.type} {tensor.shape or (1,)}\n".encode() + tensor.content)
    return total.hexdigest()
