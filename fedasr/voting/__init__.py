"""Voting: the ballot, and what is voted on."""
