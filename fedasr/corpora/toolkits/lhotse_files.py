"""Which manifests of lhotse a folder holds, and their lines."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.corpora.faults import Fault

_NAME = re.compile(r"(?:(.+)[_-])?(cuts|recordings|supervisions)(?:[_-](.+))?\.jsonl(?:\.gz)?")


@dataclass(frozen=True)
class Manifests:
    """A cut set, or recordings with their supervisions.

    Parameters
    ----------
    cuts, recordings, supervisions : Path, optional
    """

    cuts: Path | None = None
    recordings: Path | None = None
    supervisions: Path | None = None

    @property
    def is_whole(self) -> bool:
        """Whether there is speech in them."""
        return self.cuts is not None or None not in (self.recordings, self.supervisions)


def manifests(path: Path, subset: str | None) -> Manifests:
    """Return the manifests of a subset, or the only ones that are there.

    Lhotse's recipes call them ``<corpus>_<kind>_<subset>.jsonl.gz``, its import from Kaldi ``<kind>.jsonl.gz``, where
    the kind is ``cuts``, ``recordings`` or ``supervisions``.

    Parameters
    ----------
    path : Path
        A cut set, or a folder with manifests.
    subset : str, optional

    Raises
    ------
    UserError
        If there are none, or several.
    """
    if path.is_file():
        return _file(path, subset)
    found = _grouped(path)
    if not found:
        raise UserError(
            f"{path}: no manifests of lhotse here; looked for cuts, or recordings and supervisions; correct the path"
        )
    wanted = {names: group for names, group in found.items() if subset is None or subset in (*names, "_".join(names))}
    if len(wanted) != 1:
        known = ", ".join(sorted("_".join(filter(None, names)) for names in found))
        asked = "several cut sets" if subset is None else f"not one subset '{subset}'"
        raise UserError(f"corpus.subset: {path} holds {asked}; say one of: {known}")
    return next(iter(wanted.values()))


def objects(file: Path) -> Iterator[tuple[str, dict[str, Any] | Fault]]:
    """Yield ``file:line`` and the object of each line; a fault where the line holds none.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield f"{file}:{number}", _object(f"{file}:{number}", line)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "its compression is damaged"
        raise UserError(f"{file}: cannot read this manifest of lhotse's ({reason}); copy it again") from error


def _file(path: Path, subset: str | None) -> Manifests:
    if subset is not None:
        raise UserError(f"corpus.subset: {path} is one cut set; remove the key, or let corpus.path be its folder")
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        raise UserError(
            f"{path}: a cut set must be .jsonl or .jsonl.gz; write it so: lhotse copy {path.name} cuts.jsonl.gz"
        )
    return Manifests(cuts=path)


def _grouped(folder: Path) -> dict[tuple[str, str], Manifests]:
    """Return the manifests that hold speech by what stands before and after their kind."""
    found: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    for file in sorted(folder.iterdir()):
        if match := _NAME.fullmatch(file.name):
            found[match[1] or "", match[3] or ""].setdefault(match[2], file)
    groups = {names: Manifests(**files) for names, files in found.items()}
    return {names: group for names, group in groups.items() if group.is_whole}


def _object(where: str, line: bytes) -> dict[str, Any] | Fault:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Fault(where, f"not JSON ({error}); write the manifest again", "not JSON")
    return value if isinstance(value, dict) else Fault(where, "not a JSON object; write the manifest again", "not JSON")
