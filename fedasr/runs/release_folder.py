"""Where the releases of a row are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import Arrays, file_digest, load_arrays, read_lines, save_arrays, write_json, write_lines
from fedasr.common.strict_json import sealed
from fedasr.messages.traffic import Traffic
from fedasr.privacy.accounting.ledger import release_from
from fedasr.protection.release_digest import attempt_text
from fedasr.runs.charged_lines import MEND, ChargedLines
from fedasr.runs.file_names import ANNOUNCED, LEDGER, PRIVACY, RELEASES, SEEN, UNPAID
from fedasr.runs.json_files import known_json

MESSAGES = "messages_sha256"
"""The key under which a release names the digest of the list of messages that it was made of."""


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
        seen = self._seen(f"{key}.jsonl")
        messages = {MESSAGES: file_digest(seen)} if seen.exists() else {}
        save_arrays(self._release(key), arrays, {**about, **messages})

    def load(self, key: str) -> tuple[Arrays, Mapping[str, Any]]:
        """Return a stored release and what was written about it."""
        arrays, about = load_arrays(self._release(key))
        if about.get("key", key) != key:
            raise UserError(f"{self._release(key)}: corrupt (it is the release '{about['key']}'); {MEND}")
        return arrays, about

    def announced(self) -> list[dict[str, Any]]:
        """Return what was charged before others drew its noise."""
        return self._announced.read()

    def announce(self, attempt: Mapping[str, Any]) -> None:
        """Add to what was announced: a second witness of what was charged before, which alone must be on the disk."""
        self._announced.append(attempt, durably=False)

    def ledger(self) -> list[dict[str, Any]]:
        """Return what was charged so far.

        Raises
        ------
        UserError
            Where the list is damaged, or lacks what was announced.
        """
        lines = self.charged.read()
        for number, line in enumerate(lines, start=1):
            try:
                release_from(line)
            except (AttributeError, KeyError, TypeError, ValueError, UserError):
                raise self.charged.damaged(number) from None
        self._check_announced(lines)
        return lines

    def begin_ledger(self, charged: Sequence[Mapping[str, Any]]) -> None:
        """Write the first lines of the list, all or none."""
        self.charged.begin(charged)

    def charge(self, charged: Mapping[str, Any]) -> None:
        """Add to what was charged; it is on the disk when this returns."""
        self.charged.append(charged)

    @property
    def charged(self) -> ChargedLines:
        """The list of what was charged."""
        return ChargedLines(self.path / RELEASES / LEDGER)

    @property
    def _announced(self) -> ChargedLines:
        return ChargedLines(self.path / RELEASES / ANNOUNCED)

    def _check_announced(self, charged: Sequence[Mapping[str, Any]]) -> None:
        """Refuse a list without what was announced: it was charged before."""
        known = {(str(line["key"]).rpartition(".")[0], line["digest"]) for line in charged}
        for line in self.announced():
            if (line["key"], attempt_text(line["attempt"])) not in known:
                raise UserError(
                    f"{self.charged.path}: lacks attempt {line['attempt']} at '{line['key']}', which was announced; "
                    f"{MEND}"
                )

    def unpaid(self) -> list[str]:
        """Return the kinds of messages that were answered though no guarantee covers them."""
        return [str(line["kind"]) for line in read_lines(self.path / UNPAID, MEND)]

    def save_unpaid(self, kinds: Sequence[str]) -> None:
        """Replace the list of those kinds."""
        write_lines(self.path / UNPAID, [sealed({"kind": kind}) for kind in kinds])

    def save_summary(self, summary: Mapping[str, Any]) -> None:
        """Write the ledger and what it adds up to."""
        write_json(self.path / PRIVACY, summary)

    def summary(self) -> dict[str, Any]:
        """Return what `save_summary` wrote; empty where nothing was promised."""
        return dict(known_json(self.path / PRIVACY, "remove the row's folder to run it again") or {})

    def messages(self, key: str) -> list[Traffic]:
        """Return the messages that a release was made of."""
        path, about = self._seen(f"{key}.jsonl"), self.load(key)[1]
        if MESSAGES in about and (not path.exists() or file_digest(path) != about[MESSAGES]):
            raise UserError(f"{path}: corrupt (not the messages that the release was made of); {MEND}")
        return [Traffic(**line) for line in read_lines(path)]

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
