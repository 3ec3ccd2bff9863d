"""An experiment: frozen, typed, read from TOML with dotted overrides."""
