"""Decoding: greedy, lists of hypotheses, and the scores of growing prefixes."""
