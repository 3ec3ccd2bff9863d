"""Mechanisms: what is released."""
