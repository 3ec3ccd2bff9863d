"""Arrays as a codec has them travel, and what it remembers of them."""
