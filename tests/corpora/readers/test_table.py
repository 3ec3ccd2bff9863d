from pathlib import Path

import pytest
from support.corpora import whole
from support.sound import manifest, record, row

from fedasr.common.errors import UserError
from fedasr.corpora.columns import Columns
from fedasr.corpora.load import load_corpus
from fedasr.corpora.readers.manifest import read_manifest
from fedasr.corpora.readers.table import read_table

HEADER = "audio_filepath,duration,text,speaker"


def _table(folder: Path, *lines: str, name: str = "manifest.csv") -> Path:
    for audio in ("a.wav", "b.wav"):
        record(folder / audio)
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_says_what_a_manifest_says(tmp_path: Path) -> None:
    manifest(tmp_path, row("a.wav", text="yes, please", sex="f"), row("b.wav", speaker="bob", sex="m"))
    _table(tmp_path, f"{HEADER},sex", 'a.wav,0.5,"yes, please",ann,f', "b.wav,0.5,yes,bob,m")
    assert whole(read_table(tmp_path)) == whole(read_manifest(tmp_path))


def test_tabs_and_a_byte_order_mark(tmp_path: Path) -> None:
    header = "\ufeff" + HEADER.replace(",", "\t")
    path = _table(tmp_path, header, "a.wav\t0.5\tyes, no\tann", name="x.tsv")
    assert whole(read_table(path))[0].text == "yes, no"


def test_scoring_needs_neither_speaker_nor_duration(tmp_path: Path) -> None:
    path = _table(tmp_path, "text,audio_filepath,duration", "yes,a.wav,")
    (found,) = whole(read_table(path, require_speaker=False))
    assert (found.speaker, found.duration_seconds) == ("a.wav", 0.5)


@pytest.mark.parametrize(
    ("lines", "where", "message"),
    [
        (["audio_filepath,duration,text"], 1, "no column 'speaker'; found: audio_filepath, duration, text"),
        ([HEADER + ",text"], 1, "column 'text' is there twice"),
        ([HEADER, "a.wav,0.5,yes"], 2, "3 cells, but 4 columns"),
        ([HEADER, "a.wav,0.5,yes,ann", "b.wav,long,yes,ann"], 3, "'duration' must be a number"),
        ([HEADER, "a.wav,,yes,ann"], 2, "no 'duration'"),
        ([HEADER, "a.wav,0.5,,ann"], 2, "empty text"),
        ([HEADER, "a.wav,0.5,yes,"], 2, "no 'speaker'"),
        ([HEADER, "a.wav,0.9,yes,ann"], 2, "'duration' says 0.9 s"),
        ([HEADER, "a.wav,0.5,yes,ann", "a.wav,0.5,no,ann"], 3, "duplicate id"),
        ([HEADER, "c.wav,0.5,yes,ann"], 2, "no such audio file"),
        ([HEADER, 'a.wav,0.5,"yes,ann'], 2, "a quoted cell does not end"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, lines: list[str], where: int, message: str) -> None:
    path = _table(tmp_path, *lines)
    with pytest.raises(UserError, match=message) as raised:
        whole(read_table(path))
    assert str(raised.value).startswith(f"{path}:{where}: ")


def test_a_quotation_mark_of_a_tsv_file_is_a_character_and_joins_no_rows(tmp_path: Path) -> None:
    rows = ['a.wav\t0.5\t"well said the man\tann', 'b.wav\t0.5\tShe said "no"\tbob']
    path = _table(tmp_path, HEADER.replace(",", "\t"), *rows, name="x.tsv")
    assert [u.text for u in load_corpus("table", path)] == ['"well said the man', 'she said "no"']


def test_a_csv_row_that_swallows_others_is_named_where_it_begins(tmp_path: Path) -> None:
    rows = ['a.wav,0.5,"he left,ann', "b.wav,0.5,nobody saw him,bob", 'c.wav,0.5,"she said no",ann']
    path = _table(tmp_path, HEADER, *rows)
    with pytest.raises(UserError) as raised:
        load_corpus("table", path)
    assert raised.value.lines[0].startswith(f"{path}:2: a quoted cell does not end on this line")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_do_not_matter(tmp_path: Path, end: str) -> None:
    path = _table(tmp_path)
    path.write_bytes(end.join([HEADER, "a.wav,0.5,yes,ann", "", ",,,", "b.wav,0.5,no,bob", ""]).encode())
    assert [(u.text, u.speaker) for u in load_corpus("table", path)] == [("yes", "ann"), ("no", "bob")]


def test_a_header_in_the_middle_is_told(tmp_path: Path) -> None:
    path = _table(tmp_path, HEADER, "a.wav,0.5,yes,ann", HEADER, "b.wav,0.5,no,bob")
    with pytest.raises(UserError, match=rf"^{path}:3: the header once more; remove the line$"):
        load_corpus("table", path)


def test_rows_with_an_offset_are_parts_of_a_file(tmp_path: Path) -> None:
    path = _table(tmp_path, f"{HEADER},offset", "a.wav,0.2,yes,ann,0.1", "a.wav,0.2,no,ann,0.3", "b.wav,0.5,no,bob,")
    found = load_corpus("table", path)
    assert [u.id for u in found] == ["a.wav-100-300", "a.wav-300-500", "b.wav"]
    assert [len(u.audio.read(16_000)) for u in found] == [3200, 3200, 8000]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no table here"):
        whole(read_table(tmp_path))
    with pytest.raises(UserError, match=r"must end in \.csv, \.tsv or \.txt"):
        whole(read_table(_table(tmp_path, HEADER, name="x.xls")))
    with pytest.raises(UserError, match="without rows"):
        whole(read_table(_table(tmp_path, HEADER)))


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    table = tmp_path / "clips.csv"
    table.write_text("path,duration,sentence,text,client\na.wav,0.5,Yes,other,7\n")
    columns = Columns(audio="path", text="sentence", speaker="client")
    (found,) = load_corpus("table", table, columns=columns)
    assert (found.id, found.text, found.speaker, found.fields) == ("a.wav", "yes", "7", {})
    with pytest.raises(UserError, match=r"clips\.csv:1: no column 'audio_filepath'"):
        load_corpus("table", table)
    with pytest.raises(UserError, match=r"clips\.csv:1: no column 'name'"):
        load_corpus("table", table, columns=Columns(audio="path", text="name"))


def test_only_a_table_has_columns(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"corpus\.columns: a corpus of kind 'librispeech' has no columns; remove the key"
    ):
        load_corpus("librispeech", tmp_path, columns=Columns(text="sentence"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.txt"])
def test_what_stands_between_cells_is_found_by_the_header(name: str, delimiter: str, tmp_path: Path) -> None:
    lines = [HEADER, "a.wav,0.5,yes please,ann", "b.wav,0.5,no,bob"]
    path = _table(tmp_path, *(line.replace(",", delimiter) for line in lines), name=name)
    assert [(u.text, u.speaker) for u in load_corpus("table", path)] == [("yes please", "ann"), ("no", "bob")]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_cells_of_a_csv_file_are_quoted_whatever_stands_between(delimiter: str, tmp_path: Path) -> None:
    header = delimiter.join(f'"{name}"' for name in HEADER.split(","))
    path = _table(tmp_path, header, delimiter.join(["a.wav", "0.5", f'"one{delimiter}""two"", three"', "ann"]))
    (found,) = load_corpus("table", path)
    assert found.text == " ".join(f'one{delimiter}"two", three'.split())


def test_a_name_tells_what_stands_between_where_the_header_fits_it(tmp_path: Path) -> None:
    path = _table(tmp_path, "audio_filepath,text;x,text,more;audio_filepath;text", "a.wav,no,yes,3;4;5")
    (found,) = whole(read_table(path, require_speaker=False))
    assert (found.text, found.fields["text;x"]) == ("yes", "no")


def test_bars_between_cells_are_told(tmp_path: Path) -> None:
    path = _table(tmp_path, HEADER.replace(",", "|"), "a.wav|0.5|yes|ann")
    with pytest.raises(UserError, match=r"manifest\.csv:1: .*its cells have bars between them; write it with commas"):
        whole(read_table(path))


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.txt"])
def test_a_table_that_is_read_as_a_manifest_is_one_line(name: str, tmp_path: Path) -> None:
    path = _table(tmp_path, HEADER, "a.wav,0.5,yes,ann", "b.wav,0.5,no,bob", name=name)
    with pytest.raises(UserError) as raised:
        whole(read_manifest(path))
    (line,) = raised.value.lines
    assert line.startswith(f"{path}:1: not JSON")
    assert "say --kind table, or corpus.kind" in line
