"""A finished run on another network: its exchanges put together again, and timed."""
