"""Watchers: who is told how a run goes."""
