"""Experiments that come with fedasr: one TOML file each."""
