"""Numbers where there are none: of JSON and of tables, of intervals and of losses."""

from system.odd_speech.case import Case, Row, line, manifest, table
from system.odd_speech.made.riff import chunk, fmt, riff
from system.odd_speech.made.signals import chirp, pcm
from system.odd_speech.rights.corpora import Reads, refuses
from system.odd_speech.rights.runs import Evaluates, Trains
from system.odd_speech.rights.sounds import RefusesSound

SECOND = "manifest.jsonl:2"
HEAD = "audio_filepath,duration,text,speaker\n"
LONG = "a very long sentence that nobody on earth says within half a second of time"


def literal(name: str, key: str, value: str, *names: str) -> Case:
    """The second line of a manifest holds a value as it is written here."""
    usual = {"duration": "0.5", "speaker": '"s2"', "text": '"one two"'}[key]
    return Case(name, manifest({}, line(2).replace(f'"{key}": {usual}', f'"{key}": {value}')), refuses(SECOND, *names))


def cell(name: str, seconds: str, right: Reads | None = None) -> Case:
    """The second row of a table holds a duration."""
    content = f"{HEAD}1.wav,0.5,one,s1\n2.wav,{seconds},two,s2\n"
    return Case(name, table("manifest.csv", content), right or refuses("manifest.csv:3", kind="table"))


def odd_header(rate_hz: int = 8000, channels: int = 1, bits: int = 16) -> dict[str, object]:
    return {"a.wav": riff(fmt(rate_hz=rate_hz, channels=channels, bits=bits), chunk(b"data", pcm(chirp())))}


def people(count: int, each: int = 2, **changes: Row) -> dict[str, object]:
    """A manifest of some speakers; a change is of a speaker's lines."""
    rows = [{"speaker": f"s{s}"} | changes.get(f"s{s}", {}) for s in range(count) for _ in range(each)]  # type: ignore[operator]
    return manifest(*rows)


def null_interval(scores: object) -> bool:
    return scores["wer_low"] is None and scores["wer_high"] is None  # type: ignore[index]


NOBODY = ({"speaker": ..., "duration": ...},) * 3

CASES = (
    literal("a duration that is no number", "duration", "NaN", "duration"),
    literal("a duration without bound", "duration", "Infinity", "duration"),
    literal("a duration above all floats", "duration", "1e999", "duration"),
    literal("a duration of four hundred digits", "duration", "1" + "0" * 400, "duration"),
    literal("a duration of minus nothing", "duration", "-0.0", "duration"),
    literal("a duration that is true", "duration", "true", "duration"),
    literal("a duration in milliseconds", "duration", "500", "500", "0.5"),
    literal("a duration in samples", "duration", "4000", "4000", "0.5"),
    literal("a duration in words", "duration", '"half a second"', "duration"),
    literal("a data frame's missing speaker", "speaker", "NaN", "speaker"),
    literal("a speaker who is false", "speaker", "false", "speaker"),
    literal("a data frame's missing text", "text", "NaN", "text"),
    cell("a table's missing duration", "nan"),
    cell("a table's endless duration", "inf"),
    cell("a table's duration with its unit", "0.5 s"),
    cell("a table's empty duration", ""),
    Case("speakers by number", manifest({"speaker": 7}, {"speaker": "7"}), Reads(speakers=("7", "7"))),
    Case("a rate of nothing", odd_header(rate_hz=0), RefusesSound("a.wav")),
    Case("no channels", odd_header(channels=0), RefusesSound("a.wav")),
    Case(
        "shorter than a window",
        {"a.wav": riff(fmt(), chunk(b"data", pcm(chirp()[:199])))},
        RefusesSound("a.wav", ("25 ms",)),
    ),
    Case("an interval over one speaker", manifest(*({"speaker": "ann"},) * 3), Evaluates(null_interval)),
    Case("an interval over nobody", manifest(*NOBODY), Evaluates(null_interval)),
    Case(
        "a loss over development speakers whose texts are too long",
        people(5, **{f"s{n}": {"text": LONG} for n in range(5)}),
        Trains(lambda row: row["development_loss"] is None),
    ),
    Case(
        "losses without development speakers",
        people(5),
        Trains(
            lambda row: row["development_loss"] is None and row["development_wer"] is None, {"development_speakers": 0}
        ),
    ),
    Case(
        "scores without test speakers",
        people(5),
        Trains(
            lambda row: all(row[key] is None for key in ("wer", "wer_low", "wer_high", "cer")), {"test_speakers": 0}
        ),
    ),
)
