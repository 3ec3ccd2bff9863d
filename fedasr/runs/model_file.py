"""A trained recogniser in one file: weights, shape and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

from numpy.typing import NDArray

from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, spec_from_json
from fedasr.asr.tokens import CharacterTokens, Tokens, tokens_from_json
from fedasr.common.errors import UserError, nearest
from fedasr.common.files import PUT_BACK, load_arrays, save_arrays
from fedasr.corpora.text import AS_READ, RULES
from fedasr.messages.finite import not_finite
from fedasr.runs.file_names import EXPERIMENT, MODEL
from fedasr.runs.provenance import PROVENANCE, Provenance, provenance_of

MODEL_FORMAT = 1
"""What the file of a model looks like; a file without it is of the first format."""
_FORMAT = "model_format"


def save_model(
    path: Path, weights: Weights, spec: RecogniserSpec, tokens: Tokens, text: str = AS_READ,
    provenance: Provenance | None = None,
) -> None:  # fmt: skip
    """Write a recogniser, by which rule the transcripts were made that it learnt, and what it has heard."""
    past = {PROVENANCE: provenance.fields(weights)} if provenance is not None else {}
    about = {_FORMAT: MODEL_FORMAT, "recogniser": asdict(spec), "tokens": tokens.to_json(), "text": text}
    save_arrays(path, weights, {**about, **past})


def load_model(path: Path) -> Recogniser:
    """Read a recogniser from a file, or from the folder of a row.

    Raises
    ------
    UserError
        Where there is none, or its format is newer than this fedasr.
    """
    path = _file(path)
    weights, description = _read(path)
    try:
        recogniser = Recogniser(spec_from_json(description["recogniser"]), tokens_from_json(description["tokens"]))
        recogniser.load(weights)
        _check_alphabet(recogniser.tokens)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError, UserError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: not a model of fedasr ({reason})") from error
    if bad := not_finite(weights):
        raise UserError(f"{path}: its weights hold values that are not finite in '{bad}'; train it anew")
    return recogniser


def _check_alphabet(tokens: Tokens) -> None:
    """Refuse characters in another order than fedasr writes them in: outputs would be read as other characters."""
    if isinstance(tokens, CharacterTokens) and list(tokens.alphabet) != sorted(set(tokens.alphabet)):
        raise ValueError("its alphabet is not in the order in which it was learnt")


def load_provenance(path: Path) -> Provenance:
    """Return what a recogniser has heard; an unknown past where its file does not say so of its own weights."""
    path = _file(path)
    return provenance_of(path, *_read(path))


def load_text_rule(path: Path) -> str:
    """Return by which rule of `fedasr.corpora.text.RULES` the references of a model are made.

    Raises
    ------
    UserError
        Where it is not known here.
    """
    rule = str(_read(_file(path))[1].get("text", AS_READ))
    if rule not in RULES:
        raise UserError(f"{path}: its transcripts were made by the rule '{rule}'{nearest(rule, RULES)}")
    return rule


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays and the description of a model whose format is known here."""
    weights, description = load_arrays(path)
    version = description.get(_FORMAT, 1)
    if not isinstance(version, int) or version < 1:
        raise UserError(f"{path}: not a model of fedasr ({_FORMAT} {version!r})")
    if version > MODEL_FORMAT:
        raise UserError(f"{path}: a model of format {version}, where {MODEL_FORMAT} is known: install a newer one")
    if "tokens" not in description:
        raise UserError(f"{path}: not a model of fedasr (it names no tokens); {PUT_BACK}")
    return weights, description


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    if not (path / MODEL).exists():
        check_is_no_run(path)
        raise UserError(f"{path}: there is no {MODEL} (an unfinished row, or one whose models stay in the silos)")
    return path / MODEL


def check_is_no_run(path: Path) -> None:
    """Refuse the folder of a run where that of one of its rows is asked for.

    Raises
    ------
    UserError
        Naming the rows that have a model, the first by a path that can be pasted.
    """
    if not (path / EXPERIMENT).is_file():
        return
    rows = sorted(found.parent for pattern in ("*", "draw-*/*") for found in path.glob(f"{pattern}/{MODEL}"))
    if not rows:
        raise UserError(
            f"{path}: is a run, and none of its rows has a model yet; go on with --resume {quote(str(path))}"
        )
    others = [str(row.relative_to(path)) for row in rows[1:]]
    more = f"; or another of its rows: {', '.join(others)}" if others else ""
    raise UserError(f"{path}: is a run; name a row of it: {quote(str(rows[0]))}{more}")


def check_comes_first(model: Path, others: Sequence[Path]) -> None:
    """Refuse a model that was given behind what it is to hear.

    Raises
    ------
    UserError
    """
    if not _is_model(model) and (found := next(filter(_is_model, others), None)):
        raise UserError(f"{model} and {found} are swapped: the model comes first")


def _is_model(path: Path) -> bool:
    return (path / MODEL).is_file() or (path.suffix == ".safetensors" and path.is_file())


def load_tokens(path: Path) -> Tokens:
    """Read the tokens of a recogniser's file."""
    return tokens_from_json(_read(path)[1]["tokens"])
