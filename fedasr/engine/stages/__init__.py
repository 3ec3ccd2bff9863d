"""Stages: what is computed once and found again."""
