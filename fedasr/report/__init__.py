"""A run as a table, as figures and as one page: all of it read from the run folder, nothing else."""

from fedasr.report.page import figures, html_table, write_page
from fedasr.report.read import read_run
from fedasr.report.table import plain_table, table

__all__ = ["figures", "html_table", "plain_table", "read_run", "table", "write_page"]
