"""espeak-ng through ctypes: one utterance at a time, the same bits in any order and in any process."""

from __future__ import annotations

import _ctypes
import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version as package_version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.synthetic.voices import Voice

RATE_HZ = 22_050
"""The synthesiser's own sample rate."""

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)

_one_at_a_time = threading.Lock()


def speak(text: str, voice: Voice) -> NDArray[np.int16]:
    """Return the samples of a text in a voice, at `RATE_HZ`, shape (samples,)."""
    pieces: list[bytes] = []

    def collect(samples: Any, count: int, events: int | None) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    synthesise(text, voice, collect)
    samples = np.frombuffer(b"".join(pieces), np.int16)
    if not samples.any():
        raise RuntimeError(f"espeak-ng rendered nothing for {text!r} with {voice.espeak_name}")
    return samples


def synthesise(text: str, voice: Voice, collect: Callable[[Any, int, int | None], int], options: int = 0) -> None:
    """Speak a text to a function.

    Parameters
    ----------
    text : str
    voice : Voice
    collect : callable
        Given samples, their number and the address of events, piece by piece; it returns 0.
    options : int
        Of ``espeak_Initialize``: which events there are. The samples do not depend on it.
    """
    callback = _Callback(collect)
    with _library(options) as library:
        library.espeak_SetSynthCallback(callback)
        _choose(library, voice)
        encoded = text.encode()
        library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()


@lru_cache(maxsize=1)
def version() -> str:
    """Return the versions of espeak-ng and of the wheel that brings it."""
    with _one_at_a_time:
        library = _open()
        library.espeak_Info.restype = ctypes.c_char_p
        name: bytes = library.espeak_Info(None)
        _close(library)
    return f"{name.decode()} ({package_version('espeakng-loader')})"


def _choose(library: ctypes.CDLL, voice: Voice) -> None:
    if library.espeak_SetVoiceByName(voice.espeak_name.encode()) != 0:
        raise UserError(
            f"espeak-ng has no voice '{voice.espeak_name}'; "
            "reinstall it with pip install --force-reinstall espeakng-loader"
        )
    library.espeak_SetParameter(_PARAMETER_RATE, voice.words_per_minute, 0)
    library.espeak_SetParameter(_PARAMETER_PITCH, voice.pitch, 0)
    library.espeak_SetParameter(_PARAMETER_RANGE, voice.pitch_range, 0)
    # Initialising seeds it from the clock.
    library.espeak_ng_SetRandSeed(1)


@contextmanager
def _library(options: int) -> Iterator[ctypes.CDLL]:
    """Load the library afresh: it keeps state from one utterance to the next, even when terminated."""
    with _one_at_a_time:
        library = _open()
        try:
            folder = _loader().get_data_path()
            if library.espeak_Initialize(_SYNCHRONOUS, 0, folder.encode(), _DO_NOT_EXIT | options) != RATE_HZ:
                raise UserError(f"espeak-ng does not start from {folder}; is the path longer than 150 characters?")
            try:
                yield library
            finally:
                library.espeak_Terminate()
        finally:
            _close(library)


def _open() -> ctypes.CDLL:
    library = ctypes.CDLL(_loader().get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
        ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    return library


def _close(library: ctypes.CDLL) -> None:
    unload = getattr(_ctypes, "dlclose", None) or _ctypes.FreeLibrary  # type: ignore[attr-defined,unused-ignore]
    unload(library._handle)


def _loader() -> Any:
    try:
        import espeakng_loader
    except ImportError as error:
        raise UserError(
            'corpus.kind: synthetic speech needs espeak-ng; install it with pip install "fedasr[synth]"'
        ) from error
    return espeakng_loader
