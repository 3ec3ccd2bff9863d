"""Encoders: from features to encodings, one a file."""

from fedasr.asr.encoders.encoder import EncoderSpec

__all__ = ["EncoderSpec"]
