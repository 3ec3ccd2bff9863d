"""Checks of what is promised: what was released, what it cost, what was planned, and whom it guards against."""
