"""Public speech with the transcripts that were voted for it."""

from __future__ import annotations

from collections.abc import Mapping

from fedasr.corpora.speech import Speech


def with_transcripts(speech: Speech, texts: Mapping[int, str]) -> Speech:
    """Return the utterances that have a transcript, with it in the place of their own.

    Parameters
    ----------
    speech : Speech
        Whose own transcripts nobody may read.
    texts : mapping of int to str
        Transcripts by place; an empty one teaches nothing and is left out.
    """
    return speech.told({place: text for place, text in texts.items() if text})
