"""Bytes of audio files, as their formats describe them: by hand, so that anything about them can be odd."""
