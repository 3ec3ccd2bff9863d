"""Loading a corpus: the reader of a kind turns a path into entries, and one check turns them into a corpus.

Readers are the entry-point group ``fedasr.readers``.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from fedasr.common.errors import UserError, told_of
from fedasr.common.plug_ins import watched
from fedasr.common.registry import Registry
from fedasr.corpora.checking.corpus import LEAVE_OUT, REFUSE, LoadedCorpus, check_corpus
from fedasr.corpora.checking.headers import Progress
from fedasr.corpora.checking.places import is_text, printable
from fedasr.corpora.columns import Columns
from fedasr.corpora.faults import Entry
from fedasr.corpora.readers.manifest import MANIFEST
from fedasr.corpora.readers.table import ENDINGS, TABLES
from fedasr.corpora.text import AS_READ, RULES
from fedasr.corpora.utterance import Utterance

Reader = Callable[..., Iterable[Entry]]
"""``read(path)``; it takes a ``subset`` where the corpus has parts of its own, and ``columns`` where it is a table.
Both may be None.

It opens no audio: what it returns is checked here.
"""

_OPTION = re.compile(r"^corpus\.(?=kind|subset|columns)")

READERS: Registry[Reader] = Registry("reader of a corpus", "fedasr.readers")


def load_corpus(
    kind: str, path: Path | None, *, subset: str | None = None, columns: Columns | None = None
) -> tuple[Utterance, ...]:
    """Return the utterances of a corpus on disk, all of which must be good; see `read_corpus`."""
    return read_corpus(kind, path, subset=subset, columns=columns).utterances


def read_corpus(
    kind: str, path: Path | None, *, subset: str | None = None, columns: Columns | None = None, faulty: str = REFUSE,
    text: str = AS_READ, progress: Progress | None = None,
) -> LoadedCorpus:  # fmt: skip
    """Return a corpus on disk, checked, with what is to be said of it.

    Parameters
    ----------
    kind : str
        A name of `READERS`, or ``module:function``.
    path : Path
        Where it is.
    subset : str, optional
        A part of the corpus, by the name that the corpus itself gives it (for VCTK, a microphone).
    columns : Columns, optional
        What a table calls its columns, where it is not what its form calls them.
    faulty : str
        ``"refuse"`` or ``"leave out"``: what becomes of entries that cannot be used.
    text : str
        A name of `fedasr.corpora.text.RULES`: how transcripts are made of what is read.
    progress : callable, optional
        Told how many audio files were opened, and of how many.

    Raises
    ------
    UserError
        With a line for each of at most twenty faults, and their number.
    """
    with told_of("corpus.kind"):
        read = READERS.find(kind)
    if path is None:
        raise UserError(f"corpus.path: a corpus of kind '{kind}' needs a path; say where it is (--data PATH)")
    check_place(path)
    mend = f'mend or remove them, or set corpus.faulty = "{LEAVE_OUT}"'
    entries = _entries(read, kind, path, subset=subset, columns=columns)
    return check_corpus(with_texts(entries, text), str(path), faulty=faulty, progress=progress, mend=mend)


def read_scored(
    path: Path, kind: str | None = None, subset: str | None = None, columns: Columns | None = None, text: str = AS_READ
) -> LoadedCorpus:
    """Return a corpus to be scored on, checked: in a manifest or a table nobody need say who speaks.

    Parameters
    ----------
    path : Path
    kind : str, optional
        As of `read_corpus`; by default that of a manifest or a table, as the file's name tells.
    subset, columns, text
        As of `read_corpus`.

    Raises
    ------
    UserError
        As `read_corpus`, told of the options of a command.
    """
    if kind is None and os.path.isdir(path) and not is_manifest_or_table(path):
        raise UserError(f"{path}: no manifest here; name the form of the corpus, such as --kind librispeech")
    kind = kind or kind_of(path)
    try:
        read = READERS.find(kind)
        entries = _entries(read, kind, path, subset=subset, columns=columns, **_lenient(read))
        return check_corpus(with_texts(entries, text), str(path))
    except UserError as error:
        raise UserError(*(_OPTION.sub("--", line) for line in error.lines)) from error


def _lenient(read: Reader) -> dict[str, object]:
    return {"require_speaker": False} if "require_speaker" in inspect.signature(read).parameters else {}


def check_place(path: Path) -> None:
    """Refuse a path at which nothing lies, or that cannot be written down."""
    if not is_text(str(path)):
        raise UserError(f"corpus.path: the name '{printable(path)}' is not UTF-8; rename the file or folder")
    if not os.path.exists(path):  # unlike Path.exists() it answers for any text
        raise UserError(f"{printable(path)}: no such file or folder; corpus.path (--data) must say where the corpus is")


def with_texts(entries: Iterable[Entry], rule: str) -> Iterable[Entry]:
    """Make the transcripts by a named rule; as they were read, they stay as they are."""
    if rule == AS_READ:
        return entries
    write = RULES[rule]
    return (replace(e, text=write(e.text)) if isinstance(e, Utterance) else e for e in entries)


def takes(kind: str, option: str) -> bool:
    """Return whether the reader of a kind takes an option: ``"subset"`` or ``"columns"``."""
    with told_of("corpus.kind"):
        return option in inspect.signature(READERS.find(kind)).parameters


def _entries(read: Reader, kind: str, path: Path, **options: object) -> Iterable[Entry]:
    """Call a reader with those of the options that it takes; what is given must be taken."""
    taken = inspect.signature(read).parameters
    if unused := [name for name, value in options.items() if value is not None and name not in taken]:
        raise UserError(
            f"corpus.{unused[0]}: a corpus of kind '{kind}' has no {unused[0].rstrip('s')}s; remove the key"
        )
    given = {name: value for name, value in options.items() if name in taken}
    return watched(lambda: read(path, **given), f"the reader of a corpus '{kind}'", read.__module__)


def kind_of(path: Path) -> str:
    """Return the kind of a manifest or a table, by the name of the file, or of what lies in the folder."""
    if os.path.isdir(path):
        is_table = not os.path.isfile(path / MANIFEST) and any(os.path.isfile(path / name) for name in TABLES)
    else:
        is_table = path.suffix.lower() in ENDINGS
    return "table" if is_table else "manifest"


def is_manifest_or_table(path: Path) -> bool:
    """Return whether a path is that of a manifest or a table, or of a folder that holds one by its usual name."""
    if os.path.isdir(path):
        return any(os.path.isfile(path / name) for name in (MANIFEST, *TABLES))
    return path.suffix.lower() in (".jsonl", ".json", *ENDINGS)
