"""What anybody's Flower strategy may ask for: heeded, or refused in one line."""
