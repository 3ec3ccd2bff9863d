"""A decoder in one file, beside the model that it decodes and in the run folder: words, n-grams and balance."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.decoding_spec import GREEDY
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
        "pronunciations": [list(entry) for entry in decoder.pronunciations],
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
        more = tuple((str(word), str(said)) for word, said in about.get("pronunciations", ()))
        return Decoder(Pruning(**about["pruning"]), Balance(**about["balance"]), ngram, more)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: not a decoder of fedasr ({reason})") from error


def chosen_decoder(model: Path, decoding: Path | str | None) -> Decoder | None:
    """Return what decodes a model: what was asked for, else what lies beside the model; None where nothing does.

    Parameters
    ----------
    model : Path
        A row's folder, or the file of its model.
    decoding : path or str, optional
        A decoder's file, the folder that holds one, or ``"greedy"``.

    Raises
    ------
    UserError
        Where a decoder was asked for that is not there.
    """
    if decoding == GREEDY:
        return None
    if decoding is not None:
        asked = Path(decoding)
        return load_decoder(asked / DECODER if asked.is_dir() else asked)
    beside = (model if model.is_dir() else model.parent) / DECODER
    is_its_own = model.is_dir() or model.name == MODEL
    return load_decoder(beside) if is_its_own and beside.exists() else None


def _checked(grams: tuple[np.ndarray, ...], words: int) -> tuple[np.ndarray, ...]:
    """Refuse counts that belong to no words."""
    for order, lines in enumerate(grams, start=1):
        if lines.ndim != 2 or lines.shape[1] != order + 1 or (lines.size and (lines[:, :-1].max() >= words)):
            raise ValueError(f"the {order}-grams do not fit its words")
        if lines.size and (lines[:, -1].min() < 1 or lines[:, :-1].min() < -2):
            raise ValueError(f"the {order}-grams are no counts")
    return grams
