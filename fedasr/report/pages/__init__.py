"""The page and its templates."""
