"""Messages: all that ever leaves a silo, a dataclass each."""
