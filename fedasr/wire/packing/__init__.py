"""Packing: gaps, words and maps; bits and bytes."""
