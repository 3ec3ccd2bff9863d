"""The central student trainer."""
