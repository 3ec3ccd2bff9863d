"""A silo's private teacher: how it is trained, and what it says to questions."""
