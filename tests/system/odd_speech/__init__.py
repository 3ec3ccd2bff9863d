"""Two hundred odd files and lines, and what is right of each."""
