"""Damage to files of a run, and what is made of it: what `fuzz.py` is put together from."""
