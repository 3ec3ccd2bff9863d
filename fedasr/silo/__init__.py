"""Silos: the Flower ClientApp, and one file for each thing a data holder does."""
