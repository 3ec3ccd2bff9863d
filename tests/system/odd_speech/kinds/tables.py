"""Tables: quotation marks, ends of lines, columns and cells, as corpora and spreadsheets write them."""

from system.odd_speech.case import COLUMNS, Case, common_voice, table, voices
from system.odd_speech.rights.corpora import Reads, refuses

CV = "common-voice"
HEAD = "audio_filepath,duration,text,speaker"
TABBED = HEAD.replace(",", "\t")


def csv(*rows: str, end: str = "\n", start: str = "", head: str = HEAD) -> dict[str, object]:
    return table("manifest.csv", start + "".join(row + end for row in (head, *rows)))


def tsv(*rows: str) -> dict[str, object]:
    return table("manifest.tsv", "".join(row + "\n" for row in (TABBED, *rows)))


def reads(*texts: str, kind: str = "table", **others: object) -> Reads:
    return Reads(texts, kind=kind, **others)


LONG = " ".join(["a"] * 100_000)

CASES = (
    Case(
        "a sentence within quotation marks",
        common_voice('"Come in," he said.', '"Go"'),
        reads("come in he said", "go", kind=CV),
    ),
    Case("two quotation marks within a word", common_voice('a ""b"" c', "d"), reads("a b c", "d", kind=CV)),
    Case(
        "a quotation mark ends one row and begins the next",
        common_voice('inches 5"', '"six'),
        reads("inches 5", "six", kind=CV),
    ),
    Case(
        "a table that begins with a byte order mark",
        common_voice("one", "two", start="\ufeff"),
        reads("one", "two", kind=CV),
    ),
    Case(
        "the path is the last column and lines end in CR LF",
        voices("client_id\tsentence\tpath\r\nc1\tone\t1.wav\r\nc2\ttwo\t2.wav\r\n"),
        reads("one", "two", kind=CV, ids=("1.wav", "2.wav")),
    ),
    Case(
        "columns of a later release",
        voices(
            "client_id\tpath\tsentence_id\tsentence\tsentence_domain\tup_votes\tdown_votes\tage\tgender\taccents\tvariant\tlocale\tsegment\n"
            "c1\t1.wav\t0a\tOne, two\t\t2\t0\t\tfemale_feminine\t\t\ten\t\n",
            (1,),
        ),
        reads("one two", kind=CV, speakers=("c1",), fields={"sex": "f", "locale": "en"}),
    ),
    Case("a sentence longer than a CSV reader's fields", common_voice(LONG, "b"), reads(LONG, "b", kind=CV)),
    Case(
        "separators of lines and paragraphs of Unicode in a sentence",
        common_voice("one\u2028two", "three\u2029four"),
        reads("one two", "three four", kind=CV),
    ),
    Case(
        "next line and form feed in a sentence",
        common_voice("one\x85two", "three\x0cfour"),
        reads("one two", "three four", kind=CV),
    ),
    Case(
        "a row that ends too early",
        voices(f"{COLUMNS}\nc1\t1.wav\tone\t2\t0\t\t\t\ten\t\nc2\t2.wav\n"),
        refuses("validated.tsv:3", kind=CV),
    ),
    Case(
        "a tab within a sentence",
        voices(f"{COLUMNS}\nc1\t1.wav\tone\ttwo\t2\t0\t\t\t\ten\t\n", (1,)),
        refuses("validated.tsv:2", kind=CV),
    ),
    Case(
        "empty lines at the end",
        voices(f"{COLUMNS}\nc1\t1.wav\tone\t2\t0\t\t\t\ten\t\n\n\n", (1,)),
        reads("one", kind=CV),
    ),
    Case(
        "a table saved as Unicode text by a spreadsheet",
        voices(f"{COLUMNS}\nc1\t1.wav\tone\t2\t0\t\t\t\ten\t\n".encode("utf-16"), (1,)),
        reads("one", kind=CV, or_refused=("validated.tsv", "UTF-8")),
    ),
    Case(
        "semicolons of a German spreadsheet",
        csv("1.wav;0,5;eins;s1", "2.wav;0,5;zwei;s2", head=HEAD.replace(",", ";")),
        reads("eins", "zwei", seconds=(0.5, 0.5), or_refused=("manifest.csv:2", "0,5")),
    ),
    Case(
        "a decimal comma",
        csv('1.wav,"0,5",eins,s1', "2.wav,0.5,zwei,s2"),
        reads("eins", "zwei", seconds=(0.5, 0.5), or_refused=("manifest.csv:2", "0,5")),
    ),
    Case(
        "a quoted cell with doubled quotation marks",
        csv('1.wav,0.5,"He said ""go"", twice",s1', "2.wav,0.5,no,s2"),
        reads('he said "go", twice', "no"),
    ),
    Case(
        "a line break in a quoted cell",
        csv('1.wav,0.5,"one\ntwo",s1', "2.wav,0.5,three,s2"),
        reads("one two", "three", or_refused=("manifest.csv:2",)),
    ),
    Case(
        "quotation marks of a word processor",
        csv("1.wav,0.5,\u201cone\u201d two,s1", "2.wav,0.5,\u201ethree\u201c,s2"),
        reads("\u201cone\u201d two", "\u201ethree\u201c"),
    ),
    Case(
        "lines that end in CR",
        csv("1.wav,0.5,one,s1", "2.wav,0.5,two,s2", end="\r"),
        reads("one", "two", or_refused=("manifest.csv",)),
    ),
    Case(
        "a NUL in a cell",
        csv("1.wav,0.5,one\0 two,s1", "2.wav,0.5,three,s2"),
        reads("one two", "three", or_refused=("manifest.csv:2",)),
    ),
    Case(
        "a byte order mark before a quoted header",
        csv(
            "1.wav,0.5,one,s1", "2.wav,0.5,two,s2", start="\ufeff", head='"audio_filepath","duration","text","speaker"'
        ),
        reads("one", "two"),
    ),
    Case(
        "a TSV cell that only begins with a quotation mark",
        tsv('1.wav\t0.5\t"tis the season\ts1', "2.wav\t0.5\ttwo\ts2"),
        reads('"tis the season', "two", or_refused=("manifest.tsv:2",)),
    ),
    Case(
        "a TSV cell quoted by a data frame's writer",
        tsv('1.wav\t0.5\t"he said ""go"""\ts1', "2.wav\t0.5\ttwo\ts2"),
        reads('he said "go"', "two", or_refused=("manifest.tsv:2",)),
    ),
    Case(
        "a TSV cell whose first word alone is quoted",
        tsv('1.wav\t0.5\t"yes" he said\ts1', "2.wav\t0.5\ttwo\ts2"),
        reads('"yes" he said', "two", or_refused=("manifest.tsv:2",)),
    ),
    Case(
        "a first line that tells a spreadsheet its separator",
        table("manifest.csv", f"sep=,\n{HEAD}\n1.wav,0.5,one,s1\n", 1),
        reads("one", or_refused=("manifest.csv:1",)),
    ),
)
