"""Twenty-five cases of each of eight kinds."""
