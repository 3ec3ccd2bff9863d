"""Tokens: characters, words, sentencepieces or phones. Token 0 is the blank of CTC and of the transducer, or silence.

What is learnt (an alphabet, a vocabulary, pieces) is learnt on public text only. Each kind has a token for what it
does not know, which is learnt like any other and decodes to nothing.
"""

from fedasr.asr.tokens.base import BLANK, Tokens, UntokenisableError
from fedasr.asr.tokens.characters import ENGLISH, CharacterTokens, given_characters, learn_characters
from fedasr.asr.tokens.phones import PhoneTokens, learn_phones
from fedasr.asr.tokens.pieces import PieceTokens, learn_pieces, least_pieces
from fedasr.asr.tokens.stored import tokens_from_json
from fedasr.asr.tokens.unwritten import Unwritten, unwritten_in
from fedasr.asr.tokens.words import WordTokens, learn_words

__all__ = [
    "BLANK", "ENGLISH", "CharacterTokens", "PhoneTokens", "PieceTokens", "Tokens", "UntokenisableError", "Unwritten",
    "WordTokens", "given_characters", "learn_characters", "learn_phones", "learn_pieces", "learn_words", "least_pieces",
    "tokens_from_json", "unwritten_in",
]  # fmt: skip
