"""Readers: one for each form in which speech is kept."""
