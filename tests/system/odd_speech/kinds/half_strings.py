"""Strings that are not Unicode: halves of characters, other encodings, control characters, bytes in names."""

from system.odd_speech.case import CLIP, COLUMNS, Case, common_voice, line, manifest
from system.odd_speech.rights.corpora import Reads, Refuses, refuses
from system.odd_speech.rights.runs import RefusesEvaluation, RefusesExperiment

SECOND = "manifest.jsonl:2"
ESCAPE = '"text": "one two"'


def escaped(escape: str) -> dict[str, object]:
    """A manifest whose second text holds an escape of JSON."""
    return manifest({}, line(2).replace(ESCAPE, f'"text": "one {escape}two"'))


def encoded(encoding: str, text: str = "café 北京") -> dict[str, object]:
    """A manifest in another encoding."""
    body = "".join(line(n, {}).replace("one two", text) + "\n" for n in (1, 2))
    return manifest({}, {}) | {"manifest.jsonl": body.encode(encoding)}


def raw(second: bytes) -> dict[str, object]:
    """A manifest whose second text holds these bytes."""
    return manifest({}, {}) | {"manifest.jsonl": f"{line(1)}\n{line(2)}\n".encode().replace(b"one two", second)}


def libri(transcript: bytes) -> dict[str, object]:
    folder = "LibriSpeech/dev-clean/84/1"
    return {f"{folder}/84-1.trans.txt": transcript, f"{folder}/84-1-0000.wav": CLIP, f"{folder}/84-1-0001.wav": CLIP}


NUMBERED = tuple({"speaker": f"s{n}"} for n in range(1, 9))
HALF_IN_PUBLIC = line(2).replace(ESCAPE, r'"text": "one \udfff"')

CASES = (
    Case("the second half of a character alone", escaped(r"\udc00"), refuses(SECOND, "U+DC00")),
    Case("two halves in the wrong order", escaped(r"\ude00\ud83d"), refuses(SECOND, "U+DE00")),
    Case("two halves that make a character", escaped(r"\ud83d\ude00 "), Reads(("one two", "one \U0001f600 two"))),
    Case("half a character in a speaker's name", manifest({}, {"speaker": "s\ud83d"}), refuses(SECOND, "U+D83D")),
    Case("half a character in an id", manifest({}, {"id": "x\udfff"}), refuses(SECOND, "U+DFFF")),
    Case("half a character in an accent", manifest({}, {"accent": "\ud800"}), refuses(SECOND, "U+D800")),
    Case("half a character in a field's name", manifest({}, {"\ud83dmood": "glad"}), refuses(SECOND, "U+D83D")),
    Case(
        "half a character in the name of a file that is not there",
        manifest({}, {"audio_filepath": "\ud83d.wav"}),
        refuses(SECOND),
    ),
    Case(
        "halves on three lines",
        manifest(*({"text": f"one {half}"} for half in "\ud801\udc01\ud802")),
        Refuses(tuple((f"manifest.jsonl:{n}", "U+D") for n in (1, 2, 3))),
    ),
    Case(
        "half a character to be scored",
        manifest({}, {"text": "one \udc37", "speaker": ..., "duration": ...}),
        RefusesEvaluation((SECOND, "U+DC37")),
    ),
    Case(
        "half a character in public text",
        manifest(*NUMBERED) | {"public.jsonl": f"{line(1)}\n{HALF_IN_PUBLIC}\n"},
        RefusesExperiment(("public.jsonl:2", "U+DFFF"), {"public": "public.jsonl"}),
    ),
    Case("a manifest in Latin-1", encoded("latin-1", "café"), refuses("manifest.jsonl", "UTF-8")),
    Case("a manifest in GB 18030", encoded("gb18030"), refuses("manifest.jsonl", "UTF-8")),
    Case("a manifest in UTF-16", encoded("utf-16"), Reads(("café 北京",) * 2, or_refused=("manifest.jsonl", "UTF-8"))),
    Case("a manifest with a byte order mark", encoded("utf-8-sig"), Reads(("café 北京",) * 2)),
    Case(
        "halves written as bytes",
        raw("one \ud83d\ude00".encode("utf-8", "surrogatepass")),
        refuses("manifest.jsonl", "UTF-8"),
    ),
    Case("a character in more bytes than it needs", raw(b"one \xc0\xaf"), refuses("manifest.jsonl", "UTF-8")),
    Case("a character without its last byte", raw(b"caf\xc3"), refuses("manifest.jsonl", "UTF-8")),
    Case(
        "two manifests put together, each with a byte order mark",
        manifest({}, "\ufeff" + line(2)),
        Reads(("one two",) * 2, or_refused=(SECOND,)),
    ),
    Case("a NUL in a text", escaped(r"\u0000"), Reads(("one two",) * 2, or_refused=(SECOND,))),
    Case("a NUL in a file's name", manifest({}, {"audio_filepath": "2\0.wav"}), refuses(SECOND)),
    Case(
        "a terminal's escape in a text",
        escaped(r"\u001b[31m"),
        Reads(or_refused=(SECOND,), texts=("one two", "one [31mtwo")),
    ),
    Case(
        "a Common Voice table with one byte of Latin-1",
        common_voice("one", "two")
        | {
            "validated.tsv": f"{COLUMNS}\nc1\t1.wav\tone\t2\t0\t\t\t\ten\t\nc2\t2.wav\tcafé\t2\t0\t\t\t\ten\t\n".encode(
                "latin-1"
            )
        },
        refuses("validated.tsv", "UTF-8", kind="common-voice"),
    ),
    Case(
        "a transcript of LibriSpeech in Windows-1252",
        libri("84-1-0000 DON\u2019T\n84-1-0001 GO\n".encode("cp1252")),
        refuses("84-1.trans.txt", "UTF-8", kind="librispeech"),
    ),
    Case(
        "a word of Speech Commands in a folder named in Latin-1",
        {"caf\udce9/0a0a0a0a_nohash_0.wav": CLIP, "go/0a0a0a0a_nohash_0.wav": CLIP},
        refuses("UTF-8", kind="speech-commands"),
    ),
)
