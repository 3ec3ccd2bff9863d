"""How fast a row is decoded, encoder included: processor seconds of one core a second of speech.

    python benchmarks/decoding.py runs/quickstart-1/fedavg --words 130 --words 20000

The row is one of a run whose ``decoding.method`` is ``lexicon``. Its lexicon is filled up with invented words, each
said once in a sentence of six, to the number asked for; the run's test speakers are heard one by one.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.ngram import NGram, learn_ngram
from fedasr.asr.recogniser import Recogniser
from fedasr.corpora.speech import Speech
from fedasr.engine.decoding_text import text_of
from fedasr.engine.reopen import reopen

SENTENCE = 6
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


def main(
    row: Annotated[Path, typer.Argument(help="A finished row's folder.")],
    words: Annotated[list[int], typer.Option(help="Words of the lexicon.")],
    data: Annotated[Path | None, typer.Option(help="Where the run's speech lies now.")] = None,
) -> None:
    """Print the real-time factor of each lexicon."""
    torch.set_num_threads(1)
    finished = reopen(row, data)
    model, prepared = finished.model(), finished.prepared
    speech, decoder = prepared.part("test"), prepared.decoder
    if decoder is None or decoder.ngram is None:
        raise SystemExit(f"{row}: its run has no lexicon; run it with --set decoding.method=lexicon")
    greedy = _seconds(model, speech, None)
    print(f"greedy: {greedy / speech.seconds:.4f} x real time, {len(speech)} utterances")
    for size in words:
        ngram = _filled_up(text_of(prepared).sentences, size, decoder.ngram.order)
        larger = Decoder(decoder.pruning, decoder.balance, ngram)
        _seconds(model, speech, larger, most=1)  # builds the trie
        took = _seconds(model, speech, larger)
        print(f"{len(ngram.words)} words: {took / speech.seconds:.4f} x real time")


def _filled_up(sentences: tuple[str, ...], size: int, order: int) -> NGram:
    random, known = np.random.default_rng(0), {word for sentence in sentences for word in sentence.split()}
    invented = dict[str, None]()
    while len(known) + len(invented) < size:
        word = "".join(random.choice(LETTERS, random.integers(3, 10)))
        if word not in known:
            invented[word] = None
    more = list(invented)
    texts = [" ".join(more[at : at + SENTENCE]) for at in range(0, len(more), SENTENCE)]
    return learn_ngram([*sentences, *texts], order)


@torch.inference_mode()
def _seconds(model: Recogniser, speech: Speech, decoder: Decoder | None, most: int | None = None) -> float:
    begun = time.process_time()
    for index in range(most or len(speech)):
        batch = make_batch([speech.features(index)], stacked=model.spec.frames_stacked)
        model.hear(batch, decode=decoder)
    return time.process_time() - begun


if __name__ == "__main__":
    typer.run(main)
