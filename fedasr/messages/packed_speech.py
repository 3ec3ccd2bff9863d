"""Speech as the arrays of a message: the features of one utterance after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.alignment import Alignment
from fedasr.corpora.speech import Speech, held_speech
from fedasr.corpora.utterance import Utterance


def packed(speech: Speech, speeds: Iterable[float] = (), aligned_by: str = "") -> dict[str, NDArray[Any]]:
    """Return the features and lengths of some speech, and where it has copies at other speeds theirs.

    Parameters
    ----------
    speech : Speech
        Of at least one utterance.
    speeds : iterable of float
        Those of ``[augment]``.
    aligned_by : str
        The name of the alignments that go with it; none where it is empty.

    Returns
    -------
    dict
        ``features`` of shape (frames of 10 ms, mels), ``frames``, how many are whose, and ``seconds``; with copies
        ``speeds``, all but 1, ``copies``, all utterances at one speed after another, and ``copy_frames``; with
        alignments ``phones``, the number of each frame's phone (`phones_of`).
    """
    places, others = range(len(speech)), [speed for speed in speeds if speed != 1]
    features = [speech.features(place) for place in places]
    copies = [speech.features(place, speed) for speed in others for place in places]
    seconds = np.array(speech.seconds_of(), np.float64)
    arrays = {"features": np.concatenate(features), "frames": _lengths(features), "seconds": seconds}
    if copies:
        arrays |= {"speeds": np.array(others), "copies": np.concatenate(copies), "copy_frames": _lengths(copies)}
    if aligned_by:
        arrays["phones"] = np.concatenate([speech.alignment(place, aligned_by).numbers_T for place in places])
    return arrays


def phones_of(speech: Speech, aligned_by: str) -> tuple[str, ...]:
    """Return the names of the phones of some speech's alignments, by number; none without alignments."""
    return speech.alignment(0, aligned_by).phones if aligned_by else ()


def unpacked(
    utterances: Sequence[Utterance], arrays: Mapping[str, NDArray[Any]], aligned_by: str = "",
    phones: Sequence[str] = (),
) -> Speech:  # fmt: skip
    """Return these utterances with their features, copies and alignments."""
    ids = [utterance.id for utterance in utterances]
    heard = [(name, speed) for speed in speeds_of(arrays) for name in ids]
    copies = _parts(arrays["copies"], arrays["copy_frames"]) if heard else []
    numbers = _parts(arrays["phones"], arrays["frames"]) if aligned_by else []
    aligned = {(name, aligned_by): Alignment(tuple(phones), of) for name, of in zip(ids, numbers, strict=False)}
    features = _parts(arrays["features"], arrays["frames"])
    return held_speech(utterances, features, dict(zip(heard, copies, strict=True)), aligned)


def speeds_of(arrays: Mapping[str, NDArray[Any]]) -> tuple[float, ...]:
    """Return the speeds but 1 at which there are copies."""
    return tuple(arrays["speeds"].tolist()) if "speeds" in arrays else ()


def _lengths(parts: Sequence[NDArray[np.floating]]) -> NDArray[np.int64]:
    return np.array([len(part) for part in parts], np.int64)


def _parts(together: NDArray[Any], lengths: NDArray[Any]) -> list[NDArray[Any]]:
    return np.split(together, np.cumsum(lengths)[:-1])
