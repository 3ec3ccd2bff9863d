"""Speech made noisy: babble of public voices under it, and a room around it."""
