"""Noise rounded to a public grid and drawn exactly: no output whose chance is another than the real noise's."""
