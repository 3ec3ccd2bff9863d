"""Features of a corpus, computed once, stored, and opened again."""
