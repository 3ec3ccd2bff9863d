"""A trained recogniser in one file: weights, shape and tokens."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, spec_from_json
from fedasr.asr.tokens import CharacterTokens, Tokens, tokens_from_json
from fedasr.common.errors import UserError, nearest
from fedasr.common.files import load_arrays, save_arrays
from fedasr.corpora.text import AS_READ, RULES
from fedasr.messages.finite import not_finite
from fedasr.runs.file_names import MODEL
from fedasr.runs.provenance import PROVENANCE, Provenance, provenance_of


def save_model(
    path: Path, weights: Weights, spec: RecogniserSpec, tokens: Tokens, text: str = AS_READ,
    provenance: Provenance | None = None,
) -> None:  # fmt: skip
    """Write a recogniser, by which rule the transcripts were made that it learnt, and what it has heard."""
    past = {PROVENANCE: provenance.fields(weights)} if provenance is not None else {}
    save_arrays(path, weights, {"recogniser": asdict(spec), "tokens": tokens.to_json(), "text": text, **past})


def load_model(path: Path) -> Recogniser:
    """Read a recogniser from a file, or from the folder of a row.

    Raises
    ------
    UserError
        Where there is none.
    """
    path = _file(path)
    weights, description = load_arrays(path)
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
    return provenance_of(path, *load_arrays(path))


def load_text_rule(path: Path) -> str:
    """Return by which rule of `fedasr.corpora.text.RULES` the references of a model are made.

    Raises
    ------
    UserError
        Where it is not known here.
    """
    rule = str(load_arrays(_file(path))[1].get("text", AS_READ))
    if rule not in RULES:
        raise UserError(f"{path}: its transcripts were made by the rule '{rule}'{nearest(rule, RULES)}")
    return rule


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    if not (path / MODEL).exists():
        raise UserError(f"{path}: there is no {MODEL} (an unfinished row, or one whose models stay in the silos)")
    return path / MODEL


def load_tokens(path: Path) -> Tokens:
    """Read the tokens of a recogniser's file."""
    return tokens_from_json(load_arrays(path)[1]["tokens"])
