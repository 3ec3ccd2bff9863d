"""Noise on the sum of the silos' clipped changes: privacy for the silo."""
