"""Tokens made again from what a model's file says of them."""

from __future__ import annotations

import base64
from typing import Any

from fedasr.asr.tokens.base import Tokens
from fedasr.asr.tokens.characters import CharacterTokens
from fedasr.asr.tokens.phones import PhoneTokens
from fedasr.asr.tokens.pieces import PieceTokens
from fedasr.asr.tokens.words import WordTokens


def tokens_from_json(data: dict[str, Any]) -> Tokens:
    """Return the tokens that ``to_json`` described."""
    match data["kind"]:
        case "characters":
            return CharacterTokens(str(data["alphabet"]), bool(data.get("unknown", False)))
        case "words":
            return WordTokens(tuple(data["words"]))
        case "pieces":
            return PieceTokens(base64.b64decode(data["model"]))
        case "phones":
            dictionary = tuple((str(word), str(said)) for word, said in data["dictionary"])
            return PhoneTokens(tuple(data["phones"]), dictionary, str(data["aligned_by"]))
    raise ValueError(f"unknown tokens '{data['kind']}'")
