"""What the releases of a row need of wherever they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fedasr.common.files import Arrays
from fedasr.messages.traffic import Traffic


class ReleaseStore(Protocol):
    """Keeps releases and what was charged for them; each write is whole or not there.

    `fedasr.runs.release_folder.ReleaseFolder` is one on disk.
    """

    def has(self, key: str) -> bool:
        """Return whether a release was stored."""

    def load(self, key: str) -> tuple[Arrays, Mapping[str, Any]]:
        """Return a stored release and what was written about it."""

    def save(self, key: str, arrays: Arrays, about: Mapping[str, Any]) -> None:
        """Store a release."""

    def ledger(self) -> Sequence[Mapping[str, Any]]:
        """Return what was charged so far."""

    def begin_ledger(self, charged: Sequence[Mapping[str, Any]]) -> None:
        """Write the first lines of what was charged, all or none."""

    def charge(self, charged: Mapping[str, Any]) -> None:
        """Add to what was charged; no crash can undo it when this returns."""

    def announced(self) -> Sequence[Mapping[str, Any]]:
        """Return what was charged before others drew its noise."""

    def announce(self, attempt: Mapping[str, Any]) -> None:
        """Add to what was announced."""

    def unpaid(self) -> Sequence[str]:
        """Return the kinds of messages that were answered though no guarantee covers them."""

    def save_unpaid(self, kinds: Sequence[str]) -> None:
        """Replace the list of those kinds."""

    def save_summary(self, summary: Mapping[str, Any]) -> None:
        """Write the ledger and what it adds up to."""

    def messages(self, key: str) -> Sequence[Traffic]:
        """Return the messages that a release was made of."""

    def save_messages(self, key: str, messages: Sequence[Traffic]) -> None:
        """Keep the messages that a release was made of."""

    def seen(self, key: str) -> Arrays | None:
        """Return the arrays that noise was added to, None where they were not kept."""

    def save_seen(self, key: str, arrays: Arrays) -> None:
        """Keep the arrays that noise is about to be added to: the simulator's view, which no guarantee covers."""
