"""How much sound a file holds: what its container promises, against what is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from fedasr.corpora.audio.lengths.au import au_extent
from fedasr.corpora.audio.lengths.caf import caf_extent
from fedasr.corpora.audio.lengths.extent import Extent, bytes_at
from fedasr.corpora.audio.lengths.flac import flac_extent
from fedasr.corpora.audio.lengths.id3 import after_tags
from fedasr.corpora.audio.lengths.iff import iff_extent
from fedasr.corpora.audio.lengths.mpeg import mpeg_extent
from fedasr.corpora.audio.lengths.ogg import ogg_extent
from fedasr.corpora.audio.lengths.riff import riff_extent
from fedasr.corpora.audio.lengths.sphere import sphere_extent
from fedasr.corpora.audio.lengths.w64 import w64_extent

__all__ = ["Extent", "examine"]

_BY_MAGIC: dict[bytes, Callable[[BinaryIO], Extent]] = {
    b"RIFF": riff_extent,
    b"RIFX": riff_extent,
    b"RF64": riff_extent,
    b"riff": w64_extent,
    b"FORM": iff_extent,
    b".snd": au_extent,
    b"dns.": au_extent,
    b"caff": caf_extent,
    b"fLaC": flac_extent,
    b"NIST": sphere_extent,
    b"OggS": ogg_extent,
}
_LOSES_TO_TAGS = _BY_MAGIC.keys() - {b"fLaC"}


def examine(stream: BinaryIO) -> Extent:
    """Return how much sound a file holds, by its first bytes; MPEG has none of its own."""
    stream.seek(0)
    magic = stream.read(4)
    if magic[:3] == b"ID3" and bytes_at(stream, after_tags(bytes_at(stream, 0, 10), 0), 4) in _LOSES_TO_TAGS:
        # libsndfile loses as much of the end.
        return Extent("an ID3 tag before the audio, which only MP3 and FLAC may have; convert the file")
    return _BY_MAGIC.get(magic, mpeg_extent)(stream)
