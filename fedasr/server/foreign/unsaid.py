"""Warnings of Flower's about arguments that fedasr sets: nobody who reads them could mend anything."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager

ABOUT = {"fraction_evaluate": "fraction_evaluate is set to 0"}
"""What Flower's strategies warn of an argument, by its name."""


@contextmanager
def unsaid(options: Collection[str]) -> Iterator[None]:
    """Keep from the log, in the block, what is warned of arguments that are not among these of the user's own."""
    leads = tuple(lead for name, lead in ABOUT.items() if name not in options)

    def is_said(record: logging.LogRecord) -> bool:
        return not record.getMessage().strip().startswith(leads)

    logger = logging.getLogger("flwr")
    logger.addFilter(is_said)
    try:
        yield
    finally:
        logger.removeFilter(is_said)
