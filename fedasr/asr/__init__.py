"""Speech recognisers: features, tokens, encoders, transducer, CTC, decoding, word errors.

Knows nothing of silos and imports nothing of its sibling packages.
"""
