"""The arithmetic of the checks: numbers in, numbers out, nothing of fedasr's own."""
