"""Sums of replies: added up in one tree over the silos' numbers, whoever adds and in whatever order."""
