"""Flower's side of a grid: what its strategies ask of one, and a grid over its own nodes."""
