"""Audio files: what their headers say, and their samples, mono and at the rate asked for."""

from fedasr.corpora.audio.audio_file import AudioFile
from fedasr.corpora.audio.info import SHORTEST_SECONDS, AudioInfo, length_tolerance_seconds
from fedasr.corpora.audio.inspection import inspect
from fedasr.corpora.audio.resampling import resample

__all__ = ["SHORTEST_SECONDS", "AudioFile", "AudioInfo", "inspect", "length_tolerance_seconds", "resample"]
