"""The registry of corpora: a kind and a path give utterances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fedasr.common.errors import UserError, nearest
from fedasr.corpora.readers.common_voice import read_common_voice
from fedasr.corpora.readers.librispeech import read_librispeech
from fedasr.corpora.readers.manifest import read_manifest
from fedasr.corpora.readers.speech_commands import read_speech_commands
from fedasr.corpora.readers.table import read_table
from fedasr.corpora.readers.vctk import read_vctk
from fedasr.corpora.utterance import Utterance

_WITH_SUBSETS: dict[str, Callable[[Path, str | None], tuple[Utterance, ...]]] = {
    "librispeech": read_librispeech,
    "speech-commands": read_speech_commands,
    "common-voice": read_common_voice,
    "vctk": read_vctk,
}
_WHOLE: dict[str, Callable[[Path], tuple[Utterance, ...]]] = {"manifest": read_manifest, "table": read_table}

KINDS = tuple(sorted({*_WITH_SUBSETS, *_WHOLE}))
"""The kinds of corpora that `load_corpus` reads."""


def load_corpus(kind: str, path: Path | None, *, subset: str | None = None) -> tuple[Utterance, ...]:
    """Return the utterances of a corpus on disk.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    path : Path
        Where it is.
    subset : str, optional
        A part of the corpus, by the name that the corpus itself gives it (for VCTK, a microphone).
    """
    if kind not in KINDS:
        raise UserError(f"corpus.kind: unknown corpus '{kind}'{nearest(kind, KINDS)}")
    if path is None:
        raise UserError(f"corpus.path: a corpus of kind '{kind}' needs a path; say where it is (--data PATH)")
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; corpus.path (--data) must say where the corpus is")
    if kind in _WITH_SUBSETS:
        return check(_WITH_SUBSETS[kind](path, subset), str(path))
    if subset is not None:
        raise UserError(f"corpus.subset: a corpus of kind '{kind}' has no subsets; remove the key")
    return check(_WHOLE[kind](path), str(path))


def check(utterances: Sequence[Utterance], name: str = "corpus") -> tuple[Utterance, ...]:
    """Return the utterances if there are any, their ids are distinct and no transcript is empty.

    Parameters
    ----------
    utterances : sequence of Utterance
    name : str
        What messages call the corpus.
    """
    if not utterances:
        raise UserError(f"{name}: an empty corpus; it needs at least one utterance")
    seen: set[str] = set()
    for utterance in utterances:
        if utterance.id in seen:
            raise UserError(f"{name}: duplicate id '{utterance.id}'; every utterance needs an id of its own")
        if not utterance.text.strip():
            raise UserError(f"{name}: empty text of '{utterance.id}'; write it or remove the utterance")
        seen.add(utterance.id)
    return tuple(utterances)
