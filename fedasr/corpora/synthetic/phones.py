"""What espeak-ng says, phone by phone: it reports each with its place among the samples and in the text."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from fedasr.corpora.synthetic.espeak import RATE_HZ, synthesise
from fedasr.corpora.synthetic.voices import Voice

SILENCE = ""
"""The name of a pause."""

# From espeak-ng's speak_lib.h: phoneme events, by the names of the International Phonetic Alphabet.
_EVENTS_IN_IPA = 0x0001 | 0x0002
_END_OF_LIST, _WORD, _PHONEME = 0, 1, 7
_STRESS = "ˈˌ"


class Phone(NamedTuple):
    """A phone, or a pause, from its start to the start of the next.

    Attributes
    ----------
    name : str
        In the International Phonetic Alphabet, without stress; `SILENCE` for a pause.
    start_seconds : float
    place : int
        The character of the text at which its word begins, from 0.
    """

    name: str
    start_seconds: float
    place: int


@dataclass(frozen=True)
class _Heard:
    """Events of one utterance: phones, and where the words begin that the synthesiser told apart."""

    phones: list[Phone]
    words: list[int]


class _Name(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("pointer", ctypes.c_char_p), ("name", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_milliseconds", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Name),
    )  # fmt: skip


def spoken_phones(text: str, voice: Voice) -> tuple[Phone, ...]:
    """Return the phones and pauses that `fedasr.corpora.synthetic.espeak.speak` renders, in time."""
    return tuple(_heard(text, voice).phones)


def pronunciations_in(text: str, voice: Voice) -> list[tuple[str, tuple[str, ...]]]:
    """Return how each word of a text is said in its context; words that are said as one with another are left out."""
    heard = _heard(text, voice)
    found = []
    for start, stop in zip(heard.words, [*heard.words[1:], len(text)], strict=True):
        word = text[start:stop].strip()
        phones = tuple(phone.name for phone in heard.phones if phone.place == start and phone.name != SILENCE)
        if phones and word and " " not in word:
            found.append((word, phones))
    return found


def pronounced(words: Iterable[str], accent: str = "american") -> dict[str, tuple[str, ...]]:
    """Return how each word is said by itself; words that nothing is said for are left out."""
    voice = Voice(accent, "m1", 50, 50, 175)
    said = {word: tuple(p.name for p in spoken_phones(word, voice) if p.name != SILENCE) for word in words}
    return {word: phones for word, phones in said.items() if phones}


def _heard(text: str, voice: Voice) -> _Heard:
    heard = _Heard([], [])

    def collect(samples: Any, count: int, events: int | None) -> int:
        for event in _listed(events):
            place = event.text_position - 1
            if event.type == _WORD:
                heard.words.append(place)
            elif event.type == _PHONEME:
                name = event.id.name.decode().strip(_STRESS)
                heard.phones.append(Phone(name, event.sample / RATE_HZ, place))
        return 0

    synthesise(text, voice, collect, _EVENTS_IN_IPA)
    return heard


def _listed(address: int | None) -> Iterator[Any]:
    events = ctypes.cast(address or 0, ctypes.POINTER(_Event))
    place = 0
    while address and events[place].type != _END_OF_LIST:
        yield events[place]
        place += 1
