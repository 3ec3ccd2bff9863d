"""What every room may use: errors, files, randomness, threads, environment, memory, console, settings."""
