"""Where the releases of a row are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fedasr.common.files import Arrays, load_arrays, read_lines, save_arrays, write_json, write_lines
from fedasr.messages.traffic import Traffic
from fedasr.runs.file_names import ANNOUNCED, LEDGER, PRIVACY, RELEASES, SEEN, UNPAID


@dataclass(frozen=True)
class ReleaseFolder:
    """The part of a row's folder that `fedasr.protection.releases.Releases` writes (its ``ReleaseStore``).

    Parameters
    ----------
    path : Path
        The row's folder.
    """

    path: Path

    def keys(self) -> list[str]:
        """Return the keys of all stored releases, sorted."""
        return sorted(path.stem for path in (self.path / RELEASES).glob("*.safetensors"))

    def has(self, key: str) -> bool:
        """Return whether a release was stored."""
        return self._release(key).exists()

    def save(self, key: str, arrays: Arrays, about: Mapping[str, Any]) -> None:
        """Store a release."""
        save_arrays(self._release(key), arrays, about)

    def load(self, key: str) -> tuple[Arrays, Mapping[str, Any]]:
        """Return a stored release and what was written about it."""
        return load_arrays(self._release(key))

    def announced(self) -> list[dict[str, Any]]:
        """Return what was charged before others drew its noise."""
        return read_lines(self.path / RELEASES / ANNOUNCED)

    def save_announced(self, attempts: Sequence[Mapping[str, Any]]) -> None:
        """Replace the list of what was announced."""
        write_lines(self.path / RELEASES / ANNOUNCED, attempts)

    def ledger(self) -> list[dict[str, Any]]:
        """Return what was charged so far."""
        return read_lines(self.path / RELEASES / LEDGER)

    def save_ledger(self, charged: Sequence[Mapping[str, Any]]) -> None:
        """Replace the list of what was charged."""
        write_lines(self.path / RELEASES / LEDGER, charged)

    def unpaid(self) -> list[str]:
        """Return the kinds of messages that were answered though no guarantee covers them."""
        return [str(line["kind"]) for line in read_lines(self.path / UNPAID)]

    def save_unpaid(self, kinds: Sequence[str]) -> None:
        """Replace the list of those kinds."""
        write_lines(self.path / UNPAID, [{"kind": kind} for kind in kinds])

    def save_summary(self, summary: Mapping[str, Any]) -> None:
        """Write the ledger and what it adds up to."""
        write_json(self.path / PRIVACY, summary)

    def messages(self, key: str) -> list[Traffic]:
        """Return the messages that a release was made of."""
        return [Traffic(**line) for line in read_lines(self._seen(f"{key}.jsonl"))]

    def save_messages(self, key: str, messages: Sequence[Traffic]) -> None:
        """Keep the messages that a release was made of."""
        write_lines(self._seen(f"{key}.jsonl"), [asdict(message) for message in messages])

    def seen(self, key: str) -> Arrays | None:
        """Return the arrays that noise was added to, None where they were not kept."""
        path = self._seen(f"{key}.safetensors")
        return load_arrays(path)[0] if path.exists() else None

    def save_seen(self, key: str, arrays: Arrays) -> None:
        """Keep the arrays that noise is about to be added to: the simulator's view."""
        save_arrays(self._seen(f"{key}.safetensors"), arrays, {})

    def _release(self, key: str) -> Path:
        return self.path / RELEASES / f"{key}.safetensors"

    def _seen(self, name: str) -> Path:
        return self.path / SEEN / name
