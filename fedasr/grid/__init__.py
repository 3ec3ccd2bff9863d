"""Flower's Grid on Ray actors, and the same in this process."""
