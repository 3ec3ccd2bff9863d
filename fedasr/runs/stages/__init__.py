"""Stages: what the same inputs determine is computed once, kept under their digest, and found again."""
