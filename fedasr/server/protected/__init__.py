"""Rounds under a protection at the silos' boundary: what a strategy is given of them."""
