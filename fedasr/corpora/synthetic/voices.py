"""Synthetic speakers: an accent, a timbre, and a way to speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from fedasr.common.errors import UserError, nearest

ACCENTS = {
    "american": "en-us",
    "british": "en",
    "caribbean": "en-029",
    "lancashire": "en-gb-x-gbclan",
    "new-york": "en-us-nyc",
    "received": "en-gb-x-rp",
    "scottish": "en-gb-scotland",
    "west-midlands": "en-gb-x-gbcwmd",
}
"""Names of accents, and what espeak-ng calls them."""

# All timbres of espeak-ng 1.52 but two: "Reed" and "caleb" take their breath from the C library's
# rand(), whose state is the whole process', so that their bits would depend on what was said before.
# Rendered once with each accent, the others are audible, and no two are alike.
_VARIANTS = (
    "Alex,Alicia,Andrea,Andy,Annie,AnxiousAndy,Demonic,Denis,Diogo,Gene,Gene2,Henrique,Hugo,Jacky,Lee,"
    "Marco,Mario,Michael,Mike,Mr serious,Nguyen,RicishayMax,RicishayMax2,RicishayMax3,Storm,Tweaky,"
    "UniRobot,adam,anika,anikaRobot,announcer,antonio,aunty,belinda,benjamin,boris,croak,david,ed,edward,"
    "edward2,f1,f2,f3,f4,f5,fast,grandma,grandpa,gustave,ian,iven,iven2,iven3,iven4,john,kaukovalta,klatt,"
    "klatt2,klatt3,klatt4,klatt5,klatt6,linda,m1,m2,m3,m4,m5,m6,m7,m8,marcelo,max,michel,miguel,mike2,"
    "norbert,pablo,paul,pedro,quincy,rob,robert,robosoft,robosoft2,robosoft3,robosoft4,robosoft5,robosoft6,"
    "robosoft7,robosoft8,sandro,shelby,steph,steph2,steph3,travis,victor,whisper,whisperf,zac"
)
VARIANTS = tuple(_VARIANTS.split(","))

PITCHES = (25, 75)
PITCH_RANGES = (25, 75)
WORDS_PER_MINUTE = (130, 200)


@dataclass(frozen=True)
class Voice:
    """A synthetic speaker.

    Parameters
    ----------
    accent : str
        A key of `ACCENTS`.
    variant : str
        One of `VARIANTS`: the timbre.
    pitch, pitch_range : int
        On espeak-ng's scale of 0 to 100, relative to the timbre.
    words_per_minute : int
    """

    accent: str
    variant: str
    pitch: int
    pitch_range: int
    words_per_minute: int

    @property
    def id(self) -> str:
        """The speaker's name; no two voices share it."""
        timbre = self.variant.replace(" ", "")
        return f"{self.accent}-{timbre}-{self.pitch}-{self.pitch_range}-{self.words_per_minute}"

    @property
    def espeak_name(self) -> str:
        """What espeak-ng calls accent and timbre together."""
        return f"{ACCENTS[self.accent]}+{self.variant}"


def voices(seed: int, count: int, accents: Sequence[str] | None = None) -> tuple[Voice, ...]:
    """Return distinct synthetic speakers; fewer of them are always the first of more.

    Accents take turns. Within an accent every timbre is used once before any is used again, then
    with another pitch and rate.

    Parameters
    ----------
    seed : int
    count : int
    accents : sequence of str, optional
        Keys of `ACCENTS`; all where it is empty.
    """
    chosen = _checked(accents)
    streams = {accent: _stream(seed, accent) for accent in chosen}
    decks: dict[str, list[str]] = {accent: [] for accent in chosen}
    found: dict[str, Voice] = {}
    while len(found) < count:
        accent = chosen[len(found) % len(chosen)]
        random, deck = streams[accent], decks[accent]
        if not deck:
            deck += [VARIANTS[i] for i in random.permutation(len(VARIANTS))]
        voice = _draw(accent, deck[-1], random)
        if voice.id not in found:
            deck.pop()
            found[voice.id] = voice
    return tuple(found.values())


def _draw(accent: str, variant: str, random: np.random.Generator) -> Voice:
    limits = (PITCHES, PITCH_RANGES, WORDS_PER_MINUTE)
    pitch, pitch_range, rate = (int(random.integers(low, high, endpoint=True)) for low, high in limits)
    return Voice(accent, variant, pitch, pitch_range, rate)


def _stream(seed: int, accent: str) -> np.random.Generator:
    key = (crc32(b"voices"), crc32(accent.encode()))
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))


def _checked(accents: Sequence[str] | None) -> tuple[str, ...]:
    if not accents:
        return tuple(ACCENTS)
    for accent in accents:
        if accent not in ACCENTS:
            raise UserError(f"corpus.accents: unknown accent '{accent}'{nearest(accent, ACCENTS)}")
    return tuple(dict.fromkeys(accents))
