"""Codecs: one a file."""
