"""Lengths: what a header states, what is there, and what no header states."""

from collections.abc import Callable

import numpy as np

from system.odd_speech.case import Case, Content, manifest
from system.odd_speech.made.others import MU_LAW_AU, PCM_16_AU, aiff, au, caf, encoded, pages, sphere, streamed
from system.odd_speech.made.riff import INFO, MU_LAW, UNKNOWN, chunk, fmt, rf64, riff, wav
from system.odd_speech.made.signals import Signal, chirp, coded, from_mu_law, noise, pcm, rounded
from system.odd_speech.rights.corpora import refuses
from system.odd_speech.rights.refusals import Names
from system.odd_speech.rights.sounds import HeardToTheEnd, RefusesSound, Sounds

SOUND = rounded(chirp(0.5))
ODD = rounded(chirp(0.5)[:3999])
TAG = b"TAG" + b"Title".ljust(125, b"\0")
"""ID3v1."""
ID3 = b"ID3\x04\x00\x00\x00\x00\x00\x14TIT2\x00\x00\x00\x0a\x00\x00\x00recording"
"""ID3v2."""
TWO_SECONDS, THREE_SECONDS, FOUR_SECONDS = chirp(2.0), chirp(3.0), noise(4.0)


def whole(
    name: str, content: Content, right: Signal = SOUND, file: str = "a.wav", or_refused: Names | None = None
) -> Case:
    """All samples are read."""
    return Case(name, {file: content}, Sounds(lambda: right, file, or_refused=or_refused))


def cut(name: str, content: Content, file: str = "a.wav", *names: str) -> Case:
    """What is stated is not there."""
    return Case(name, {file: content}, RefusesSound(file, names))


def part(share: float, make: Callable[[], bytes]) -> Callable[[], bytes]:
    """Return the beginning of a file."""
    return lambda: (made := make())[: round(share * len(made))]


def lossy(name: str, content: Content, file: str, signal: Signal, slack: int, or_refused: Names | None = None) -> Case:
    return Case(name, {file: content}, Sounds(lambda: signal, file, like=0.9, slack=slack, or_refused=or_refused))


def mp3(signal: Signal = TWO_SECONDS) -> bytes:
    return encoded(signal, form="MP3")


def vorbis(signal: Signal = FOUR_SECONDS) -> bytes:
    return encoded(signal, form="OGG")


def opus(signal: Signal = FOUR_SECONDS) -> bytes:
    return encoded(signal, form="OGG", subtype="OPUS")


CASES = (
    whole(
        "an odd number of bytes and its pad",
        riff(fmt(MU_LAW, bits=8), chunk(b"data", coded(ODD, from_mu_law)), chunk(b"LIST", INFO)),
        from_mu_law(coded(ODD, from_mu_law)),
    ),
    whole("remarks after the data", wav(SOUND, after=chunk(b"LIST", INFO))),
    whole(
        "a broadcast chunk and a pad of 2 KB before the data",
        wav(SOUND, before=chunk(b"bext", bytes(603)) + chunk(b"junk", bytes(2048))),
    ),
    whole("an MP3 tag behind a WAV", wav(SOUND) + TAG),
    whole(
        "a pipe's length with remarks before it",
        wav(SOUND, before=chunk(b"LIST", INFO), stated=UNKNOWN, riff_stated=UNKNOWN),
    ),
    whole("another pipe's length, 2 GB less a page", wav(SOUND, stated=0x7FFF_F000, riff_stated=0x7FFF_F024)),
    whole("a data length of 0 in a header that knows the file's", wav(SOUND, stated=0), or_refused=("never finished",)),
    whole(
        "both lengths 0 behind remarks",
        wav(SOUND, before=chunk(b"LIST", INFO), stated=0, riff_stated=0),
        or_refused=("never finished",),
    ),
    cut("one sample too few", wav(SOUND)[:-2]),
    cut("a header alone", wav(SOUND[:0])),
    whole("a FLAC stream without length", lambda: streamed(encoded(SOUND)), file="a.flac", or_refused=("how long",)),
    cut("a FLAC file without its last bytes", lambda: encoded(rounded(noise()))[:-40], "a.flac"),
    whole("a FLAC file behind an MP3 tag", lambda: ID3 + encoded(SOUND), file="a.flac", or_refused=()),
    lossy("an MP3 between two tags", lambda: ID3 + mp3() + TAG, "a.mp3", TWO_SECONDS, 2300),
    Case(
        "two MP3 files put together",
        {"a.mp3": lambda: mp3() + mp3(THREE_SECONDS)},
        HeardToTheEnd("a.mp3", lambda: [TWO_SECONDS, THREE_SECONDS], 2300),
    ),
    Case(
        "an MP3 cut short beside the length in a manifest",
        manifest({"audio_filepath": "a.mp3", "duration": 2.0}, clips=0) | {"a.mp3": part(0.6, mp3)},
        refuses("manifest.jsonl:1", "a.mp3"),
    ),
    cut("Vorbis without its last page", lambda: b"".join(pages(vorbis())[:-1]), "a.ogg"),
    cut("Opus cut within a page", part(0.7, opus), "a.opus"),
    lossy(
        "two recordings of a stream in one Ogg file",
        lambda: vorbis(noise(1.0)) + vorbis(noise(1.0, seed=1)),
        "a.ogg",
        np.concatenate([noise(1.0), noise(1.0, seed=1)]),
        64,
        (),
    ),
    cut("AIFF-C of a Mac cut short", part(0.6, lambda: aiff(pcm(SOUND), 4000, compression=b"sowt")), "a.aifc"),
    whole(
        "AU of unknown length",
        au(coded(SOUND, from_mu_law), MU_LAW_AU, stated=UNKNOWN),
        from_mu_law(coded(SOUND, from_mu_law)),
        "a.au",
    ),
    cut("AU cut short", part(0.6, lambda: au(pcm(SOUND, order=">"), PCM_16_AU)), "a.au"),
    whole("CAF of unknown length", caf(SOUND, stated=-1), file="a.caf", or_refused=()),
    cut("SPHERE with half of its samples", sphere(SOUND, stated=8000), "a.wav"),
    cut("RF64 with half of its bytes", rf64(SOUND, stated_bytes=16_000), "a.wav"),
)
