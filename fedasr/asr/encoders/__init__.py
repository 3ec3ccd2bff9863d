"""Encoders: from features to encodings, one a file."""
