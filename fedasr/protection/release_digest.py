"""By what one draw under a key is told from another."""

from __future__ import annotations

import hashlib

import numpy as np

from fedasr.common.files import Arrays

ATTEMPT = "attempt "


def attempt_text(attempt: int) -> str:
    """Return what stands in the place of a digest where others draw the noise."""
    return f"{ATTEMPT}{attempt}"


def digest_of(arrays: Arrays, draw: str = "") -> str:
    """Return the SHA-256 of names, types, shapes and bytes, and of the number of the draw."""
    total = hashlib.sha256(draw.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()
