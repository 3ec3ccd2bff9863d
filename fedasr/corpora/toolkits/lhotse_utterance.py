"""From a supervision of lhotse's, and the recording that it is about, to an utterance."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.corpora.faults import EntryError, Fault
from fedasr.corpora.readers.records import normal_text
from fedasr.corpora.toolkits.lhotse_values import channels_of, plain, seconds_of, text_of
from fedasr.corpora.toolkits.places import found_from, part_of, sex_of
from fedasr.corpora.utterance import Utterance

MEND = "write it to files first: cuts.save_audios(FOLDER)"
"""What helps where lhotse would make the audio while it reads it."""


@dataclass(frozen=True)
class SupervisedPart:
    """A supervision and what it is about.

    Parameters
    ----------
    recording, supervision : objects of lhotse's
    cut : object of lhotse's, optional
        The cut that holds both; without one times and channels are the recording's.
    where : str
        ``file:line``.
    folder : Path
        That of the manifest.
    """

    recording: Any
    supervision: Any
    cut: Any
    where: str
    folder: Path

    def utterance(self) -> Utterance | Fault:
        """Return the utterance, or why there is none."""
        try:
            return self._utterance()
        except EntryError as error:
            return error.at(self.where)

    def _utterance(self) -> Utterance:
        said = self.supervision
        name, speaker, text = (text_of(said, key) for key in ("id", "speaker", "text"))
        start = seconds_of(said, "start") + (0.0 if self.cut is None else seconds_of(self.cut, "start"))
        length, whole = seconds_of(said, "duration"), seconds_of(self.recording, "duration")
        path, channel = _source(self.recording, self._channels())
        # Sums of decimal fractions end in noise, which lhotse rounds off here, too.
        audio = part_of(found_from(self.folder, path), round(start, 8), length, whole, channel)
        fields = plain(said.custom) | plain({"language": said.language}) | sex_of(said.gender)
        return Utterance(name, sys.intern(speaker), normal_text(text), length, audio, fields, where=self.where)

    def _channels(self) -> list[int]:
        """Return the channels that are heard: a cut of one channel says which, else the supervision does."""
        of_cut = type(self.cut).__name__ == "MonoCut"
        return channels_of(self.cut if of_cut else self.supervision, "channel")


def _source(recording: Any, channels: list[int]) -> tuple[str, int | None]:
    """Return the file that holds some channels, and which of its channels, or None for all of them."""
    if recording.transforms:
        raise EntryError(f"recording '{recording.id}' is changed when it is read (transforms); {MEND}", "transforms")
    held = [(source, channels_of(source, "channels")) for source in recording.sources]
    holding = [(source, there) for source, there in held if set(channels) <= set(there)]
    if len(holding) != 1 or len(channels) not in (1, len(holding[0][1])):
        raise EntryError(f"channels {channels} of recording '{recording.id}' are in no one file; {MEND}", "channels")
    ((source, there),) = holding
    if source.type != "file":
        raise EntryError(f"recording '{recording.id}' is no file but a {source.type}; {MEND}", "not a file")
    return text_of(source, "source"), None if set(channels) == set(there) else there.index(channels[0])
