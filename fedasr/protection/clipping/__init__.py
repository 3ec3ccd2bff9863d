"""Clipping at every granularity: how groups of utterances are cut, to which bounds, and what that bounds."""
