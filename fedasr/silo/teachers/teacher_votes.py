"""What a silo's private teacher says to questions about public speech."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from flwr.app import RecordDict
from numpy.typing import NDArray

from fedasr.asr.decoding.nbest import scored_by
from fedasr.common.errors import RowError
from fedasr.messages.votes import Question
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.teachers.hearing import hearing
from fedasr.silo.teachers.scorers import Scorers
from fedasr.voting.posteriors import noisy_steps


def vote_label(host: SiloHost, silo: Silo, question: Question, state: RecordDict) -> NDArray[np.int16]:
    """Return the best next class of each utterance, shape (utterances,): label k is class k - 1, the end last."""
    return _classes(host, silo, question, state).argmax(1).numpy().astype(np.int16)


def posterior(host: SiloHost, silo: Silo, question: Question, state: RecordDict) -> NDArray[np.generic]:
    """Return the probabilities of the next classes, shape (utterances, classes), float32.

    With the teacher's own noise they are whole steps of a public grid (`fedasr.voting.posteriors`), int32.
    """
    found = _classes(host, silo, question, state).exp().numpy()
    if not question.sigma:
        return found.astype(np.float32)
    purpose = hashlib.sha256(question.labels.tobytes() + question.utterances.tobytes()).hexdigest()
    return noisy_steps(found, question.sigma, host.noise(silo, f"teacher {purpose}"))


def vote_candidate(host: SiloHost, silo: Silo, question: Question, state: RecordDict) -> NDArray[np.int16]:
    """Return the number of the most probable candidate of each utterance."""
    heard, rows = hearing(host, silo, question, state)
    lists: list[list[list[int]]] = [[] for _ in question.utterances]
    for owner, row in zip(question.owners.tolist(), question.labels.tolist(), strict=True):
        lists[owner].append([label for label in row if label > 0])
    scorer = heard.prefix_scorer(host.recogniser).select(torch.from_numpy(rows.astype(np.int64)))
    scores = scored_by(scorer, lists)
    return np.array([int(np.argmax(of_utterance)) for of_utterance in scores], np.int16)


@torch.no_grad()
def vote_frames(host: SiloHost, silo: Silo, question: Question, state: RecordDict) -> NDArray[np.int16]:
    """Return the best label of each frame, the blank 0 among them, utterance after utterance, without padding."""
    heard, rows = hearing(host, silo, question, state)
    scores_BTV = heard.frame_scores(host.recogniser)
    if scores_BTV is None:
        raise RowError("the head scores no single frames to vote on; set model.head = 'ctc' or votes = 'label'")
    best_BT = scores_BTV.argmax(-1).cpu().numpy()[rows]
    spoken = [row[:length] for row, length in zip(best_BT, heard.lengths_B[rows].tolist(), strict=True)]
    return np.concatenate(spoken).astype(np.int16)


def _classes(host: SiloHost, silo: Silo, question: Question, state: RecordDict) -> torch.Tensor:
    """Return log-probabilities without the blank, shape (utterances, classes)."""
    scorer = host.memory(Scorers).at_prefix(host, silo, question, state)
    return scorer.next_log_probabilities()[:, 1:].cpu()
