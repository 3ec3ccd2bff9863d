"""The decoder of an experiment: learnt on its public text, weighed on its development speakers, once for all rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fedasr.asr.decoding.decoder import Decoder, learnt
from fedasr.asr.decoding.decoding_spec import LEXICON
from fedasr.asr.decoding.tuning import GRID, chosen
from fedasr.asr.recogniser import Weights
from fedasr.asr.tokens import PhoneTokens
from fedasr.engine.decoding_text import DecodingText, text_of
from fedasr.engine.preparation import Prepared
from fedasr.engine.pronouncing import more_pronunciations
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.model import MADE_STARTS
from fedasr.grid.workers import Workers
from fedasr.runs.decoder_file import load_decoder, save_decoder
from fedasr.runs.decoding_data import DecodingData
from fedasr.runs.folder import Run
from fedasr.server.scoring import Scorer

UNTRAINED = MADE_STARTS[1]


def with_decoder(prepared: Prepared, run: Run, start: Weights, workers: Workers, watcher: Watcher) -> Prepared:
    """Return the experiment with its decoder, read from the run folder where it was made before.

    Parameters
    ----------
    prepared : Prepared
    run : Run
    start : mapping of str to ndarray
        The model by which the weights of sound and language are chosen: it is every row's beginning and no row's end,
        so that none is favoured.
    workers : Workers
    watcher : Watcher
    """
    if prepared.decoder is not None or prepared.experiment.decoding.is_greedy:
        return prepared
    if not run.decoder.exists():
        watcher.stage("decoding")
        _make(prepared, run, start, workers)
    return replace(prepared, decoder=load_decoder(run.decoder))


def _make(prepared: Prepared, run: Run, start: Weights, workers: Workers) -> None:
    spec = prepared.experiment.decoding
    text = text_of(prepared) if spec.method == LEXICON else DecodingText(())
    decoder = learnt(spec, text.sentences)
    assert decoder is not None
    decoder = _pronouncing(decoder, prepared)
    decoder, how = _weighed(decoder, prepared, start, workers)
    run.write_decoding(_described(decoder, how, text, prepared))
    save_decoder(run.decoder, decoder)


def _pronouncing(decoder: Decoder, prepared: Prepared) -> Decoder:
    """Return the decoder with the phones of its words that public speech does not say, where tokens are phones."""
    tokens = prepared.tokens
    if not isinstance(tokens, PhoneTokens) or decoder.ngram is None:
        return decoder
    more = more_pronunciations(prepared.experiment, decoder.ngram.words, tokens)
    return replace(decoder, pronunciations=tuple((word, " ".join(phones)) for word, phones in more))


def _weighed(decoder: Decoder, prepared: Prepared, start: Weights, workers: Workers) -> tuple[Decoder, str]:
    """Return the decoder with its weights, and how they came about."""
    experiment, development = prepared.experiment, prepared.part("development")
    if decoder.ngram is None:
        return decoder, ""
    if experiment.decoding.language_weight is not None:
        return decoder, "stated"
    if not len(development):
        return decoder, "not chosen: there are no development speakers"
    if experiment.model.start == UNTRAINED:
        return decoder, "not chosen: the start is untrained"
    scorer = Scorer(prepared.folder, prepared.recogniser_spec, prepared.tokens, workers, decoder)
    said = list(development.texts())
    balance = chosen(scorer.texts(start, development), said, decoder.ngram.words)
    of = f"{len(said)} utterances of {len(development.speakers)} development speakers"
    return decoder.balanced(balance), f"chosen of {len(GRID)} by what the start hears in {of}"


def _described(decoder: Decoder, how: str, text: DecodingText, prepared: Prepared) -> DecodingData:
    parts = {"development": prepared.part("development"), "test": prepared.part("test")}
    outside = {name: _outside(decoder, prepared, part.texts()) for name, part in parts.items()}
    spec, ngram = prepared.experiment.decoding, decoder.ngram
    return DecodingData(
        spec.method, decoder.pruning.width, decoder.pruning.drop, ngram.order if ngram else None,
        len(ngram.words) if ngram else None, len(text.public), len(text.more), text.whose,
        decoder.balance.language if ngram else None, decoder.balance.word_bonus if ngram else None, how,
        {name: share for name, share in outside.items() if share is not None},
    )  # fmt: skip


def _outside(decoder: Decoder, prepared: Prepared, texts: Iterable[str]) -> float | None:
    """Return the share of the words of references that cannot be heard; None where there are no words."""
    words = [word for text in texts for word in text.split()]
    known = {word: decoder.knows(word, prepared.tokens) for word in set(words)}
    return sum(not known[word] for word in words) / len(words) if words else None
