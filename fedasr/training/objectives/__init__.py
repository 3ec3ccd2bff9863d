"""Objectives: what a recogniser is trained for, one a file."""
