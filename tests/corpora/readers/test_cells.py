"""A line of a table is a row: cells as they were written, and no cell that holds another line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.corpora.faults import EntryError
from fedasr.corpora.readers.cells import comma_cells, plain_tab_cells, tab_cells

one_line = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8) | st.text("\",' ", max_size=8)


@given(cells=st.lists(one_line, min_size=1, max_size=5), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_cells_of_csv_are_what_was_written(cells: list[str], quoting: int) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="", quoting=quoting).writerow(cells)  # type: ignore[arg-type]
    assert comma_cells(text.getvalue()) == cells


@given(cells=st.lists(one_line.map(lambda cell: cell.replace("\t", " ")), min_size=1, max_size=5))
def test_cells_of_tsv_are_what_stands_between_tabs(cells: list[str]) -> None:
    assert tab_cells("\t".join(cells)) == cells


@pytest.mark.parametrize("line", ['a,"b', 'a,"b""', '"', '"a"b,c', 'a,"b" ,c'])
def test_a_quoted_cell_that_does_not_end_is_no_cell(line: str) -> None:
    with pytest.raises(EntryError, match="does not end on this line"):
        comma_cells(line)


def test_a_quotation_mark_within_a_cell_is_a_character() -> None:
    assert comma_cells('a,he said "no,b') == ["a", 'he said "no', "b"]
    assert plain_tab_cells('a\t"he left\t"yes" or "no"\t""') == ["a", '"he left', '"yes" or "no"', '""']


@pytest.mark.parametrize("cell", ['"he said ""go"""', '"a ""b"" c"'])
def test_a_cell_of_tsv_that_is_quoted_as_in_csv_is_refused(cell: str) -> None:
    with pytest.raises(EntryError, match="quoted as in CSV"):
        plain_tab_cells(f"a\t{cell}\tb")
