"""Loading a corpus: the reader of a kind turns a path into entries, and one check turns them into a corpus.

Readers are the entry-point group ``fedasr.readers``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path

from fedasr.common.errors import UserError, told_of
from fedasr.common.registry import Registry
from fedasr.corpora.checking.corpus import LEAVE_OUT, REFUSE, LoadedCorpus, check_corpus
from fedasr.corpora.checking.headers import Progress
from fedasr.corpora.checking.places import is_text, printable
from fedasr.corpora.faults import Entry
from fedasr.corpora.readers.manifest import MANIFEST
from fedasr.corpora.readers.table import ENDINGS, TABLES
from fedasr.corpora.utterance import Utterance

Reader = Callable[..., Iterable[Entry]]
"""``read(path)``, or ``read(path, subset)`` where the corpus has parts of its own; the subset may be None.

It opens no audio: what it returns is checked here.
"""

READERS: Registry[Reader] = Registry("reader of a corpus", "fedasr.readers")


def load_corpus(kind: str, path: Path | None, *, subset: str | None = None) -> tuple[Utterance, ...]:
    """Return the utterances of a corpus on disk, all of which must be good; see `read_corpus`."""
    return read_corpus(kind, path, subset=subset).utterances


def read_corpus(
    kind: str, path: Path | None, *, subset: str | None = None, faulty: str = REFUSE, progress: Progress | None = None
) -> LoadedCorpus:
    """Return a corpus on disk, checked, with what is to be said of it.

    Parameters
    ----------
    kind : str
        A name of `READERS`, or ``module:function``.
    path : Path
        Where it is.
    subset : str, optional
        A part of the corpus, by the name that the corpus itself gives it (for VCTK, a microphone).
    faulty : str
        ``"refuse"`` or ``"leave out"``: what becomes of entries that cannot be used.
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
    if not is_text(str(path)):
        raise UserError(f"corpus.path: the name '{printable(path)}' is not UTF-8; rename the file or folder")
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; corpus.path (--data) must say where the corpus is")
    mend = f'mend or remove them, or set corpus.faulty = "{LEAVE_OUT}"'
    entries = _entries(read, kind, path, subset)
    return check_corpus(entries, str(path), faulty=faulty, progress=progress, mend=mend)


def _entries(read: Reader, kind: str, path: Path, subset: str | None) -> Iterable[Entry]:
    if "subset" in inspect.signature(read).parameters:
        return read(path, subset)
    if subset is not None:
        raise UserError(f"corpus.subset: a corpus of kind '{kind}' has no subsets; remove the key")
    return read(path)


def kind_of(path: Path) -> str:
    """Return the kind of a manifest or a table, by the name of the file, or of what lies in the folder."""
    file = path if not path.is_dir() else next((path / name for name in TABLES if (path / name).is_file()), path)
    is_table = file.suffix.lower() in ENDINGS and not (path / MANIFEST).is_file()
    return "table" if is_table else "manifest"
