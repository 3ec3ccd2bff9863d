"""Each example's own gradient, clipped."""
