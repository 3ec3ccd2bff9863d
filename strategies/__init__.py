"""Strategies: one Flower strategy a file. Imported as ``fedasr.strategies``."""
