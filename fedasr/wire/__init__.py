"""Codecs: arrays to one blob of bytes and back. Imports nothing of its sibling packages."""
