"""Corpora: utterances of known speakers, from folders of audio or from a synthesiser, and their partition."""
