"""Codecs by the name that an experiment calls them: the entry-point group ``fedasr.codecs``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedasr.common.registry import Registry
from fedasr.common.settings import from_table
from fedasr.wire.codec import Codec

CODECS: Registry[type[Any]] = Registry("codec", "fedasr.codecs")


def build_codec(name: str, options: Mapping[str, Any], where: str = "") -> Codec:
    """Return the codec of a name with the options of an experiment file.

    Parameters
    ----------
    name : str
    options : mapping
    where : str
        Where the options stand, for messages; by default ``codec 'NAME'``.

    Raises
    ------
    UserError
        Where the name, an option or its value is unknown or out of range.
    """
    codec: Codec = from_table(CODECS.find(name), options, where or f"codec '{name}'")
    return codec


def codec_name(codec: Codec) -> str:
    """Return the name under which a codec is known."""
    return CODECS.name_of(type(codec))
