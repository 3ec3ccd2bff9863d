"""The run folder: every file name, record, reader and writer."""
