"""Connected speech: clips of one speaker joined, for corpora of single words."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.noted import NotedSamples, hear
from fedasr.corpora.utterance import AudioSource, Utterance


@dataclass(frozen=True)
class JoinedAudio:
    """Several recordings one after the other.

    The gaps are filled with noise as quiet as the quietest 10 ms beside them, as a recording would have it. Where
    a clip holds digital silence the gaps beside it are silent, too: features leave both outside their normalisation.

    Parameters
    ----------
    sources : tuple of AudioSource
    gaps_seconds : tuple of float
        One less than sources.
    """

    sources: tuple[AudioSource, ...]
    gaps_seconds: tuple[float, ...]

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples,)."""
        return self.hear(sample_rate_hz).samples

    def hear(self, sample_rate_hz: int) -> NotedSamples:
        """Return the samples at the given rate, and what was done to get them."""
        heard = [hear(source, sample_rate_hz) for source in self.sources]
        clips = [each.samples for each in heard]
        pieces = [clips[0]]
        for index, gap_seconds in enumerate(self.gaps_seconds):
            gap = _gap(clips[index], clips[index + 1], gap_seconds, sample_rate_hz, index)
            pieces += [gap, clips[index + 1]]
        return NotedSamples(np.concatenate(pieces), tuple(note for each in heard for note in each.notes))

    def fingerprint(self) -> str:
        """Return a hash of the sources' fingerprints and the gaps."""
        return joined_fingerprint([source.fingerprint() for source in self.sources], self.gaps_seconds)


def joined_fingerprint(fingerprints: Sequence[str], gaps_seconds: Sequence[float]) -> str:
    """Return the fingerprint of joined audio from those of its parts."""
    return hashlib.sha256(f"joined-1 {list(fingerprints)} {list(gaps_seconds)}".encode()).hexdigest()


def connect(
    utterances: Iterable[Utterance],
    *,
    clips: tuple[int, int] = (2, 5),
    gap_seconds: tuple[float, float] = (0.0, 0.15),
    seed: int,
) -> tuple[Utterance, ...]:
    """Join clips of one speaker to longer utterances, each clip used exactly once.

    What is drawn for a speaker depends on the seed and on that speaker's clips alone: not on other
    speakers, nor on the order of the input. A clip that is left over stays as it is.

    Parameters
    ----------
    utterances : iterable of Utterance
    clips : (int, int)
        Fewest and most clips joined.
    gap_seconds : (float, float)
        Shortest and longest gap between clips.
    seed : int
    """
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        by_speaker[utterance.speaker].append(utterance)
    joined: list[Utterance] = []
    for speaker in sorted(by_speaker):
        key = (crc32(b"connected"), crc32(speaker.encode()))
        random = np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))
        ordered = sorted(by_speaker[speaker], key=lambda utterance: utterance.id)
        shuffled = [ordered[i] for i in random.permutation(len(ordered))]
        joined += _connect_speaker(shuffled, clips, gap_seconds, random)
    return tuple(joined)


def _connect_speaker(
    shuffled: Sequence[Utterance],
    clips: tuple[int, int],
    gap_seconds: tuple[float, float],
    random: np.random.Generator,
) -> list[Utterance]:
    joined: list[Utterance] = []
    while shuffled:
        size = _group_size(len(shuffled), clips, random)
        gaps = tuple(round(float(gap), 3) for gap in random.uniform(*gap_seconds, size - 1))
        joined.append(_join(shuffled[:size], gaps, len(joined)))
        shuffled = shuffled[size:]
    return joined


def _group_size(left: int, clips: tuple[int, int], random: np.random.Generator) -> int:
    """Draw how many clips to join next, such that, where possible, no group is left too small."""
    fewest, most = clips
    if left < fewest:
        return left
    fair = [n for n in range(fewest, min(most, left) + 1) if left - n == 0 or left - n >= fewest]
    return int(random.choice(fair)) if fair else min(most, left)


def _join(group: Sequence[Utterance], gaps: tuple[float, ...], number: int) -> Utterance:
    first = group[0]
    if len(group) == 1:
        return first
    return Utterance(
        id=f"{first.speaker}-connected-{number}",
        speaker=first.speaker,
        text=" ".join(utterance.text for utterance in group),
        duration_seconds=sum(utterance.duration_seconds for utterance in group) + sum(gaps),
        audio=JoinedAudio(tuple(utterance.audio for utterance in group), gaps),
        fields={k: v for k, v in first.fields.items() if all(u.fields.get(k) == v for u in group)},
    )


def _gap(
    before: NDArray[np.float32], after: NDArray[np.float32], seconds: float, rate_hz: int, index: int
) -> NDArray[np.float32]:
    level = min(_quietest(before, rate_hz), _quietest(after, rate_hz))
    noise = np.random.default_rng(index).standard_normal(round(seconds * rate_hz), dtype=np.float32)
    return (noise * np.float32(level)).astype(np.float32)


def _quietest(samples: NDArray[np.float32], rate_hz: int) -> float:
    frame = rate_hz // 100
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(np.float64)
    return float(np.sqrt((whole**2).mean(axis=1)).min())
