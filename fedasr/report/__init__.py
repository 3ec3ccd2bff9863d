"""A run as a table, as figures and as one page: all of it read from the run folder, nothing else."""

from fedasr.report.pages.writing import figures, html_table, shown_utterances, write_page
from fedasr.report.tables.plain import plain_table, table
from fedasr.runs.reading import read_run

__all__ = ["figures", "html_table", "plain_table", "read_run", "shown_utterances", "table", "write_page"]
