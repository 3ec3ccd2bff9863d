"""A folder of the cache for any number of utterances: an index, and features that are a hole in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fedasr.corpora.features.building import FEATURES, META
from fedasr.corpora.features.tabulate import INDEX, tabulate

SECONDS, MELS = 5.0, 8
AN_HOUR = 720
"""Utterances of five seconds."""


def wide_corpus(folder: Path, utterances: int, speakers: int = 100) -> Path:
    """Write a folder of so many utterances of five seconds, and return it."""
    folder.mkdir(parents=True)
    frames = round(100 * SECONDS)
    with (folder / INDEX).open("w", encoding="utf-8") as index:
        for number in range(utterances):
            speaker = f"speaker {number % speakers}"
            row = {
                "id": f"corpus/{speaker}/utterance {number}", "speaker": speaker,
                "text": "she had your dark suit in greasy wash water", "seconds": SECONDS, "frames": frames,
                "fields": {"accent": "northern"}, "audio": {"file": f"/speech/corpus/{number}.wav"},
            }  # fmt: skip
            index.write(json.dumps(row) + "\n")
    size = utterances * frames * MELS * 2
    (folder / FEATURES).touch()
    os.truncate(folder / FEATURES, size)
    meta = {"mels": MELS, "bytes": size, "utterances": utterances, "notes": []}
    (folder / META).write_text(json.dumps(meta), encoding="utf-8")
    tabulate(folder)
    return folder
