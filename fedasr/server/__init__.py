"""The server of a row: what a strategy is given, rounds, scoring, outer steps."""
