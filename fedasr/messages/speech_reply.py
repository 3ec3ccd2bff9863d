"""A silo's speech, given away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from flwr.app import ConfigRecord, RecordDict
from numpy.typing import NDArray

from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import AudioSource, Utterance
from fedasr.messages.packed_speech import packed, phones_of, speeds_of, unpacked
from fedasr.messages.records import CONFIG, array_record, arrays_of


@dataclass(frozen=True)
class SpeechReply:
    """A silo's speech, given away: features and transcripts.

    Parameters
    ----------
    speech : Speech
    speeds : tuple of float
        Its copies at these speeds go with it.
    aligned_by : str
        So do its alignments of this name, where it is not empty.
    """

    speech: Speech
    speeds: tuple[float, ...] = ()
    aligned_by: str = ""

    def to_record(self) -> RecordDict:
        """Return the message's content."""
        speech, places = self.speech, range(len(self.speech))
        config = ConfigRecord({
            "ids": [speech.id(place) for place in places],
            "speakers": [speech.speaker(place) for place in places],
            "texts": list(speech.texts()),
        })  # fmt: skip
        if self.aligned_by:
            config["aligned-by"], config["phones"] = self.aligned_by, list(phones_of(self.speech, self.aligned_by))
        return RecordDict({"speech": array_record(packed(self.speech, self.speeds, self.aligned_by)), CONFIG: config})

    @classmethod
    def from_record(cls, content: RecordDict) -> SpeechReply:
        """Read the message's content."""
        arrays, config = arrays_of(content.array_records["speech"]), content.config_records[CONFIG]
        ids, speakers, texts = (cast("list[str]", config[key]) for key in ("ids", "speakers", "texts"))
        seconds = arrays["seconds"].tolist()
        utterances = tuple(
            Utterance(i, s, t, d, Elsewhere()) for i, s, t, d in zip(ids, speakers, texts, seconds, strict=True)
        )
        aligned_by, phones = str(config.get("aligned-by", "")), cast("list[str]", config.get("phones", []))
        return cls(unpacked(utterances, arrays, aligned_by, phones), speeds_of(arrays), aligned_by)


class Elsewhere(AudioSource):
    """Audio that stayed where it was: only its features came."""

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        raise ValueError("only the features of this utterance were sent")

    def fingerprint(self) -> str:
        raise ValueError("only the features of this utterance were sent")
