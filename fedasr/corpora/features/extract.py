"""From utterances to features, in this process or in several; the numbers do not depend on which."""

from __future__ import annotations

import logging
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fedasr.common.threads import one_thread
from fedasr.corpora.noted import Note, hear
from fedasr.corpora.utterance import Utterance

Extractor = Callable[[NDArray[np.float32]], NDArray[np.floating[Any]]]
"""Samples at the corpus' rate to features, shape (frames, mels)."""

Extracted = tuple[NDArray[np.float16], int, tuple[Note, ...]]
"""Features of one utterance, how many samples it has, and what was done to get them."""

CHUNK_UTTERANCES = 32
# Starting a process takes about 5 s, an utterance 5 to 10 ms.
FEWEST_UTTERANCES_A_WORKER = 1000

_logger = logging.getLogger("fedasr")
_worker: tuple[Extractor, int]


def extract(
    utterances: Sequence[Utterance], extractor: Extractor, sample_rate_hz: int, workers: int
) -> Generator[Extracted, None, None]:
    """Yield the features of each utterance, in order.

    Parameters
    ----------
    utterances : sequence of Utterance
    extractor : callable
    sample_rate_hz : int
    workers : int
        The most processes to use; a small corpus uses fewer.
    """
    done = 0
    processes = min(workers, len(utterances) // FEWEST_UTTERANCES_A_WORKER)
    if processes > 1:
        try:
            for item in _in_processes(utterances, extractor, sample_rate_hz, processes):
                yield item
                done += 1
        except BrokenProcessPool:
            # An interactive __main__, or a script without a guard, cannot be imported by a new process.
            _logger.warning("worker processes end at once; features are computed in this process instead")
    with one_thread():
        for utterance in utterances[done:]:
            yield _features(utterance, extractor, sample_rate_hz)


def _features(utterance: Utterance, extractor: Extractor, sample_rate_hz: int) -> Extracted:
    heard = hear(utterance.audio, sample_rate_hz)
    return np.ascontiguousarray(extractor(heard.samples), np.float16), len(heard.samples), heard.notes


def _in_processes(
    utterances: Sequence[Utterance], extractor: Extractor, sample_rate_hz: int, processes: int
) -> Iterator[Extracted]:
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(extractor, sample_rate_hz),
    )
    pending: deque[Future[list[Extracted]]] = deque()
    try:
        for first in range(0, len(utterances), CHUNK_UTTERANCES):
            pending.append(pool.submit(_work, utterances[first : first + CHUNK_UTTERANCES]))
            # A bound on what waits in memory when the disk is slower than the processes.
            if len(pending) > 4 * processes:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _start(extractor: Extractor, sample_rate_hz: int) -> None:
    global _worker
    torch.set_num_threads(1)
    _worker = extractor, sample_rate_hz


def _work(utterances: Sequence[Utterance]) -> list[Extracted]:
    extractor, sample_rate_hz = _worker
    return [_features(utterance, extractor, sample_rate_hz) for utterance in utterances]
