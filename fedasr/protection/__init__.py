"""Protection of the utterances that a recogniser is trained on: clipping, noise, and training with both."""
