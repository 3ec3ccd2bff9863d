"""Codecs by the name that an experiment calls them: the entry-point group ``fedasr.codecs``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fedasr.common.errors import UserError, nearest
from fedasr.common.registry import Registry
from fedasr.wire.codec import Codec

CODECS: Registry[type[Any]] = Registry("codec", "fedasr.codecs")


def build_codec(name: str, options: Mapping[str, Any]) -> Codec:
    """Return the codec of a name with the options of an experiment file.

    Raises
    ------
    UserError
        Where the name, an option or its value is unknown or out of range.
    """
    codec_class = CODECS.find(name)
    known = [field.name for field in fields(codec_class)]
    for key in options:
        if not known:
            raise UserError(f"codec '{name}': '{key}' is set, but this codec has no options")
        if key not in known:
            raise UserError(f"codec '{name}': unknown option '{key}'{nearest(key, known)}")
    codec: Codec = codec_class(**options)
    return codec


def codec_name(codec: Codec) -> str:
    """Return the name under which a codec is known."""
    return CODECS.name_of(type(codec))
