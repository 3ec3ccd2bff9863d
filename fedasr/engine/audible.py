"""A few utterances of test speech as sound, beside what was heard in them: for the simulator's page alone."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterable

import soundfile

from fedasr.common.console import details
from fedasr.corpora.noted import hear
from fedasr.corpora.utterance import AudioSource
from fedasr.engine.preparation import Prepared
from fedasr.runs.folder import Run

MOST = 6
MOST_BYTES = 200_000
RATES_HZ = (16_000, 8_000)
"""The first at which an utterance is small enough is taken; one that is at none is left out."""


def keep_audible(run: Run, prepared: Prepared, names: Iterable[str]) -> None:
    """Write the sound of the first of some test utterances that can be had into a run folder.

    A page without sound is a page: what cannot be read or written is left out.
    """
    speech, found = prepared.part("test"), dict[str, str]()
    places = {speech.id(place): place for place in range(len(speech))}
    try:
        for name in (name for name in names if name in places):
            if len(found) < MOST and (sound := _wav(speech.utterances[places[name]].audio)):
                found[name] = b64encode(sound).decode()
        run.write_audible(found)
    except Exception as error:  # audio may have gone since it was prepared, or the disk be full
        details.info("no sound on the page: %s", error)


def _wav(audio: AudioSource) -> bytes:
    """Return an utterance as 16-bit mono WAV; empty where it is too long."""
    for rate_hz in RATES_HZ:
        samples, file = hear(audio, rate_hz).samples, io.BytesIO()
        soundfile.write(file, samples, rate_hz, format="WAV", subtype="PCM_16")
        if len(file.getvalue()) <= MOST_BYTES:
            return file.getvalue()
    return b""
