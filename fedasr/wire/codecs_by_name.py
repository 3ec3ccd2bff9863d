"""All codecs of a row, by the name that an experiment calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fedasr.common.errors import UserError, nearest
from fedasr.wire.codec import Codec
from fedasr.wire.codecs.dense import Dense
from fedasr.wire.codecs.half import Half
from fedasr.wire.codecs.int8 import Int8
from fedasr.wire.codecs.powersgd import PowerSGD
from fedasr.wire.codecs.sign import Sign
from fedasr.wire.codecs.threshold import Threshold
from fedasr.wire.codecs.top_k import TopK

CODECS: dict[str, type[Any]] = {
    "dense": Dense,
    "fp16": Half,
    "int8": Int8,
    "threshold": Threshold,
    "top-k": TopK,
    "powersgd": PowerSGD,
    "sign": Sign,
}


def build_codec(name: str, options: Mapping[str, Any]) -> Codec:
    """Return the codec of a name with the options of an experiment file.

    Raises
    ------
    UserError
        Where the name, an option or its value is unknown or out of range.
    """
    if name not in CODECS:
        raise UserError(f"unknown codec '{name}'{nearest(name, CODECS)}")
    known = [field.name for field in fields(CODECS[name])]
    for key in options:
        if not known:
            raise UserError(f"codec '{name}': '{key}' is set, but this codec has no options")
        if key not in known:
            raise UserError(f"codec '{name}': unknown option '{key}'{nearest(key, known)}")
    codec: Codec = CODECS[name](**options)
    return codec
