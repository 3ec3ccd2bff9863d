"""Signals: coders, numbers of bits, channels, rates and silence."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from system.odd_speech.case import Case, Content
from system.odd_speech.made.others import A_LAW_AU, aiff, au, encoded
from system.odd_speech.made.riff import A_LAW, IEEE, chunk, extensible, fmt, riff, wav
from system.odd_speech.made.signals import RATE_HZ, Signal, chirp, coded, from_a_law, interleaved, noise, pcm, rounded
from system.odd_speech.rights.refusals import Names
from system.odd_speech.rights.sounds import FiniteFeatures, HeardAlike, RefusesSound, Sounds

SOUND = chirp()
EDGE = np.array([-1.0, 127 / 128, 0.0, -1 / 128] * 1000)
SECOND = noise(1.0, level=0.05)
A_LAW_SILENCE = b"\xd5"


def exact(name: str, content: Content, right: Signal, file: str = "a.wav") -> Case:
    return Case(name, {file: content}, Sounds(lambda: right, file))


def like(
    name: str,
    content: Content,
    file: str = "a.wav",
    *,
    slack: int = 0,
    level: float = 0.5,
    to: int = RATE_HZ,
    or_refused: Names | None = None,
) -> Case:
    right = Sounds(
        lambda: chirp(rate_hz=to), file, to, like=0.95, slack=slack, least_level=level, or_refused=or_refused
    )
    return Case(name, {file: content}, right)


def at_rate(rate_hz: int, to: int = 16_000) -> Case:
    """The same tone, whatever its rate was."""
    right = Sounds(lambda: chirp(rate_hz=to), "a.wav", to, within=0.01, slack=2, edge=400)
    return Case(f"{rate_hz} Hz at {to} Hz", {"a.wav": wav(chirp(rate_hz=rate_hz), rate_hz)}, right)


def silent(name: str, make: Callable[[bytes], bytes], first: int) -> Case:
    """Sound in μ- or A-law or 16 bits with silence, and the same alone."""
    plain = pcm(SECOND)
    return Case(name, {"a.wav": make(plain), "alone.wav": make16(plain)}, HeardAlike("a.wav", "alone.wav", first))


def make16(data: bytes) -> bytes:
    return riff(fmt(), chunk(b"data", data))


def floats(samples: Signal, bits: int) -> bytes:
    return riff(fmt(IEEE, bits=bits), chunk(b"data", samples.astype(f"<f{bits // 8}").tobytes()))


def a_law(data: bytes) -> bytes:
    return riff(fmt(A_LAW, bits=8), chunk(b"data", data))


A_SECOND = coded(SECOND, from_a_law)
BROKEN = SOUND.copy()
BROKEN[77] = np.nan
DEAFENING = SOUND.copy()
DEAFENING[-1] = -np.inf

CASES = (
    exact(
        "8 bits without sign", riff(fmt(bits=8), chunk(b"data", (EDGE * 128 + 128).astype(np.uint8).tobytes())), EDGE
    ),
    exact("24 bits, extensible", riff(extensible(RATE_HZ, 24, 24), chunk(b"data", pcm(SOUND, 24))), rounded(SOUND, 24)),
    exact("32 bits", riff(fmt(bits=32), chunk(b"data", pcm(rounded(SOUND, 20), 32))), rounded(SOUND, 20)),
    exact("doubles", floats(rounded(SOUND, 20), 64), rounded(SOUND, 20)),
    exact("floats above full scale", floats(5 * rounded(SOUND), 32), 5 * rounded(SOUND)),
    Case("a float that is no number", {"a.wav": floats(BROKEN, 32)}, RefusesSound("a.wav", ("finite",))),
    Case("a double without bound", {"a.wav": floats(DEAFENING, 64)}, RefusesSound("a.wav", ("finite",))),
    exact(
        "A-law of a telephone exchange in AU",
        au(coded(SOUND, from_a_law), A_LAW_AU),
        from_a_law(coded(SOUND, from_a_law)),
        "a.au",
    ),
    exact("a Mac's little-endian AIFF-C", aiff(pcm(SOUND), 4000, compression=b"sowt"), rounded(SOUND), "a.aifc"),
    exact("AIFF of 24 bits", aiff(pcm(SOUND, 24, ">"), 4000, bits=24), rounded(SOUND, 24), "a.aiff"),
    Case(
        "an old Mac's rate of 22,254.54 Hz",
        {"a.aif": aiff(pcm(chirp(rate_hz=22254.5454), order=">"), 11127, Fraction(2225454545, 100_000))},
        Sounds(lambda: chirp(rate_hz=16_000), "a.aif", 16_000, within=0.05, slack=2, edge=400),
    ),
    like("channels of opposite sign, one weaker", wav(interleaved(SOUND, -0.97 * SOUND), channels=2), or_refused=()),
    like(
        "four channels that cancel in pairs",
        wav(interleaved(SOUND, -SOUND, SOUND / 2, -SOUND / 2), channels=4),
        level=0.25,
        or_refused=(),
    ),
    like("a telephone call with one side silent", wav(interleaved(0 * SOUND, SOUND), channels=2), level=0.45),
    at_rate(16_001),
    at_rate(5_512, 8000),
    at_rate(44_101),
    at_rate(192_000),
    Case(
        "a whistle above the band",
        {"a.wav": wav(chirp(rate_hz=48_000) + 0.3 * np.sin(2 * np.pi * 0.3125 * np.arange(24_000)), 48_000)},
        Sounds(lambda: chirp(rate_hz=16_000), "a.wav", 16_000, within=0.01, slack=2, edge=400),
    ),
    like(
        "Opus of a browser, 48 kHz",
        lambda: encoded(chirp(rate_hz=48_000), 48_000, "OGG", "OPUS"),
        "a.ogg",
        slack=160,
        to=16_000,
    ),
    silent("two seconds of zeros before the sound", lambda data: make16(bytes(4 * RATE_HZ) + data), 200),
    silent(
        "zeros on either side, most of the file",
        lambda data: make16(bytes(8 * RATE_HZ) + data + bytes(8 * RATE_HZ)),
        400,
    ),
    Case(
        "silence of a telephone exchange",
        {"a.wav": a_law(A_SECOND + A_LAW_SILENCE * RATE_HZ), "alone.wav": a_law(A_SECOND)},
        HeardAlike("a.wav", "alone.wav", 0),
    ),
    Case("nothing but zeros", {"a.wav": make16(bytes(2 * RATE_HZ))}, FiniteFeatures()),
    Case(
        "a browser's WebM",
        {"a.webm": bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d") + bytes(400)},
        RefusesSound("a.webm", ("FLAC",)),
    ),
)
