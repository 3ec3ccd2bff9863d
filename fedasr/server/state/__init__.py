"""Any strategy written down as arrays and JSON, and put back: no pickle, and no code named by a file is run."""
