"""Heads: from encodings to token probabilities, one a file."""
