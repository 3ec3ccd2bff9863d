"""A corpus without recordings: synthetic speakers say digits and commands."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from fedasr.common.errors import UserError
from fedasr.corpora.synthetic import espeak
from fedasr.corpora.synthetic.grammar import GRAMMARS, Grammar, grammar_named
from fedasr.corpora.synthetic.render import SpokenText
from fedasr.corpora.synthetic.voices import ACCENTS, Voice, voices
from fedasr.corpora.utterance import Utterance

__all__ = ["ACCENTS", "GRAMMARS", "SpokenText", "Voice", "synthetic_corpus", "voices"]

LEVELS_DB = (-32.0, -18.0)
NOISE_SNRS_DB = (15.0, 35.0)


def synthetic_corpus(
    *,
    speakers: int,
    utterances_per_speaker: int,
    grammar: str = "mixed",
    accents: Sequence[str] | None = None,
    seed: int = 0,
) -> tuple[Utterance, ...]:
    """Return the utterances of synthetic speakers, not yet rendered.

    How long they are is known once they are rendered: until then `duration_seconds` is 0, and
    `fedasr.corpora.features.store.prepare` fills it in. A corpus of fewer speakers, or of fewer utterances
    of each, is a part of the larger one.

    Parameters
    ----------
    speakers, utterances_per_speaker : int
    grammar : str
        ``"digits"``, ``"commands"`` or ``"mixed"``.
    accents : sequence of str, optional
        Keys of `ACCENTS`; all eight by default, in turn.
    seed : int
    """
    for key, count in (("speakers", speakers), ("utterances_per_speaker", utterances_per_speaker)):
        if count < 1:
            raise UserError(f"corpus.{key}: must be at least 1, not {count}")
    sentence = grammar_named(grammar)
    espeak.version()
    return tuple(
        utterance
        for voice in voices(seed, speakers, accents)
        for utterance in _utterances(voice, utterances_per_speaker, sentence, seed)
    )


def _utterances(voice: Voice, count: int, sentence: Grammar, seed: int) -> list[Utterance]:
    key = (crc32(b"synthetic"), crc32(voice.id.encode()))
    random = np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))
    fields = {"accent": voice.accent, "variant": voice.variant}
    recipes = [_recipe(voice, sentence(random), random) for _ in range(count)]
    return [
        Utterance(f"{voice.id}/{number:03d}", voice.id, recipe.text, 0.0, recipe, fields)
        for number, recipe in enumerate(recipes)
    ]


def _recipe(voice: Voice, text: str, random: np.random.Generator) -> SpokenText:
    return SpokenText(
        text=text,
        voice=voice,
        level_db=round(random.uniform(*LEVELS_DB), 2),
        noise_snr_db=round(random.uniform(*NOISE_SNRS_DB), 2),
        noise_colour=round(random.uniform(0.0, 0.95), 3),
        noise_seed=int(random.integers(2**32)),
    )
