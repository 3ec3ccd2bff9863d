"""The figures of a run as files for a paper: PDF with its letters in it, SVG whose words are words, and captions."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from fedasr.common.files import write_bytes
from fedasr.report.pictures.drawing.style import drawing
from fedasr.report.pictures.order import pictures
from fedasr.report.speedups import read_with_speedups
from fedasr.runs.publication.shown import shown

CAPTIONS = "captions.md"
_UNDATED = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}  # fmt: skip


def write_figures(run: Path, folder: Path, release: bool = False) -> list[Path]:
    """Write each figure of a run into a folder, as ``KEY.pdf`` and ``KEY.svg``, and what they show as ``captions.md``.

    The same run gives the same bytes.

    Parameters
    ----------
    run : Path
        The run folder.
    folder : Path
        Made where it is absent; files of the same names are replaced.
    release : bool
        Draw what may be published and nothing else.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    UserError
        Where the first is no run, or the disk does not take the files.
    """
    data = read_with_speedups(run)
    drawn = pictures(shown(data) if release else data, release)
    content = {f"{one.key}.{kind}": _bytes(one.figure, kind) for one in drawn for kind in _UNDATED}
    told = "\n".join(f"## {one.title} (`{one.key}`)\n\n{one.caption}\n" for one in drawn)
    for name, each in {**content, CAPTIONS: told.encode()}.items():
        write_bytes(folder / name, each)
    return [folder / name for name in (*content, CAPTIONS)]


def _bytes(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    with drawing():
        figure.savefig(buffer, format=kind, metadata=_UNDATED[kind])
    return buffer.getvalue()
