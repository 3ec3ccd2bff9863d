"""Numbers read from a record."""

from __future__ import annotations

from typing import Any, cast

from flwr.app import ConfigRecord, MetricRecord


def _number(record: ConfigRecord | MetricRecord, key: str, kind: type[Any]) -> Any:
    value = record.get(key, 0)
    return kind(cast(float, value))
