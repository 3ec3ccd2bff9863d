"""Numbers read from a record."""

from __future__ import annotations

from typing import Any, cast

from flwr.app import ConfigRecord, MetricRecord


def number_of(record: ConfigRecord | MetricRecord, key: str, kind: type[Any]) -> Any:
    """Return a number of a record as `kind`, 0 where it has none of that name."""
    value = record.get(key, 0)
    return kind(cast(float, value))
