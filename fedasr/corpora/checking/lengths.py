"""How long utterances are: what a corpus says, against what the audio says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, AudioInfo, length_tolerance_seconds
from fedasr.corpora.checking.headers import Headers, key_of
from fedasr.corpora.checking.places import place_of
from fedasr.corpora.faults import Entry, EntryError, Fault
from fedasr.corpora.utterance import AudioSource, Utterance


def with_lengths(entries: Iterable[Entry], headers: Headers) -> Iterator[Entry]:
    """Give utterances the lengths of their audio; what cannot be used, or is not as long as told, is a fault.

    So the same speech is as long, and its speakers are dealt alike, in whichever form its lengths are told or rounded.
    """
    for entry in entries:
        if isinstance(entry, Fault):
            yield entry
            continue
        try:
            yield _measured(entry, headers.get(key_of(entry)))
        except EntryError as error:
            yield error.at(place_of(entry))


def _measured(utterance: Utterance, header: AudioInfo | UserError | None) -> Utterance:
    stated = utterance.duration_seconds
    if header is None:
        if math.isnan(stated):
            raise EntryError("nobody says how long it is; its reader must", "wrong duration")
        return utterance
    real = _real(utterance.audio, header)
    if abs(stated - real.seconds) > length_tolerance_seconds(real):
        told = f"'duration' says {stated:g} s but the audio is {real.seconds:.3f} s long"
        raise EntryError(f"{told}; correct whichever is wrong", "wrong duration")
    return utterance if stated == real.seconds else replace(utterance, duration_seconds=real.seconds)


def _real(audio: AudioSource, header: AudioInfo | UserError) -> AudioInfo:
    """Return the header, of a part of a file with the length of the part."""
    try:
        if isinstance(header, UserError):
            raise header
        return audio.within(header) if isinstance(audio, AudioFile) else header
    except UserError as error:
        is_part = isinstance(audio, AudioFile) and audio != AudioFile(audio.path)
        named = "'offset', 'duration': " if is_part and isinstance(header, AudioInfo) else ""
        raise EntryError(f"{named}{error}", "unusable audio") from error
