from pathlib import Path

import numpy as np
import pytest
from support.sound import utterance

from fedasr.corpora.features.alignments import has_alignments, open_alignments, write_alignments
from fedasr.corpora.features.store import open_speech, prepare
from fedasr.corpora.speech import UntranscribedError


def _prepared(tmp_path: Path):
    utterances = [utterance(1, seconds=0.02), utterance(2, seconds=0.04)]
    return prepare(utterances, lambda samples: np.ones((len(samples) // 80, 3)), "frames", tmp_path, 8_000)


def test_each_utterance_finds_its_own_labels_again(tmp_path: Path) -> None:
    speech = _prepared(tmp_path)
    labels = [["", "x"], ["x", "y", "y", ""]]
    write_alignments(speech.store.folder, "heard", labels)
    for found in (speech, open_speech(speech.store.folder)):
        for index, wanted in enumerate(labels):
            alignment = found.alignment(index, "heard")
            assert [alignment.phones[number] for number in alignment.numbers_T] == wanted
            assert len(wanted) == found.frames(index)


def test_nobody_reads_the_alignment_of_an_unlabelled_transcript(tmp_path: Path) -> None:
    speech = _prepared(tmp_path)
    write_alignments(speech.store.folder, "heard", [["", "x"], ["x", "y", "y", ""]])
    with pytest.raises(UntranscribedError):
        speech.untranscribed().alignment(0, "heard")


def test_alignments_that_were_broken_off_are_not_there(tmp_path: Path) -> None:
    def broken():
        yield ["x"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_alignments(tmp_path, "heard", broken())
    assert not has_alignments(tmp_path, "heard")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    with pytest.raises(KeyError):
        open_alignments(tmp_path, "heard")
