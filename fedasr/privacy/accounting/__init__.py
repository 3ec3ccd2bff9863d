"""Accounting: what releases cost together."""
