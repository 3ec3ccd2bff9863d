"""What is said of audio that cannot be used: one line, with the file and the mend."""

from __future__ import annotations

from pathlib import Path


def why_unreadable(path: Path, error: Exception) -> str:
    """Return why libsndfile does not open a file."""
    if not path.exists():
        return f"{path}: no such audio file; correct the path, or remove the entry"
    if path.is_dir():
        return f"{path}: a folder, not an audio file; correct the path"
    if path.stat().st_size == 0:
        return f"{path}: empty audio file (0 bytes); copy the file again"
    return f"{path}: not an audio file that can be read ({reason(error)}); use WAV, FLAC, Ogg or MP3"


def truncated(path: Path, found: int, promised: int, unit: str) -> str:
    """Return that a file is shorter than it says."""
    return f"{path}: truncated audio: the header says {promised} {unit}, found {found}; copy the file again"


def reason(error: Exception) -> str:
    """Return what libsndfile says, in one line."""
    text = getattr(error, "error_string", None) or str(error)
    return " ".join(text.split()).rstrip(".")
