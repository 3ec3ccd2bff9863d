"""What rows are held to: loops of papers' equations, and a recogniser that makes linear algebra of them."""
