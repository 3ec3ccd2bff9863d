"""Mechanisms, accountants and the ledger: numpy, scipy and dp-accounting; knows nothing of speech or Flower."""
