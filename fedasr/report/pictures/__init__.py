"""Pictures: each figure with its caption."""
