"""A decoder in one file, beside the model that it decodes and in the run folder: words, n-grams and balance."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.ngram import NGram
from fedasr.asr.decoding.search import Balance, Pruning
from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.runs.file_names import DECODER, MODEL


def save_decoder(path: Path, decoder: Decoder) -> None:
    """Write a decoder."""
    ngram = decoder.ngram
    grams = {f"grams.{order}": lines for order, lines in enumerate(ngram.grams, start=1)} if ngram else {}
    about = {
        "pruning": asdict(decoder.pruning), "balance": asdict(decoder.balance),
        "words": list(ngram.words) if ngram else None, "order": ngram.order if ngram else 0,
    }  # fmt: skip
    save_arrays(path, grams, {"decoder": about})


def load_decoder(path: Path) -> Decoder:
    """Read a decoder.

    Raises
    ------
    UserError
        Where there is none.
    """
    arrays, description = load_arrays(path)
    try:
        about = description["decoder"]
        ngram = None
        if about["words"] is not None:
            grams = tuple(np.asarray(arrays[f"grams.{order}"], np.int64) for order in range(1, about["order"] + 1))
            ngram = NGram(tuple(map(str, about["words"])), _checked(grams, len(about["words"])))
        return Decoder(Pruning(**about["pruning"]), Balance(**about["balance"]), ngram)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: not a decoder of fedasr ({reason})") from error


def decoder_of(model: Path) -> Decoder | None:
    """Return the decoder that lies beside a model, given as a row's folder or as its file; None where there is none."""
    folder = model if model.is_dir() else model.parent
    path = folder / DECODER
    return load_decoder(path) if path.exists() and (model.is_dir() or model.name == MODEL) else None


def _checked(grams: tuple[np.ndarray, ...], words: int) -> tuple[np.ndarray, ...]:
    """Refuse counts that belong to no words."""
    for order, lines in enumerate(grams, start=1):
        if lines.ndim != 2 or lines.shape[1] != order + 1 or (lines.size and (lines[:, :-1].max() >= words)):
            raise ValueError(f"the {order}-grams do not fit its words")
        if lines.size and (lines[:, -1].min() < 1 or lines[:, :-1].min() < -2):
            raise ValueError(f"the {order}-grams are no counts")
    return grams
