"""Several faults at once, what is left out, and characters that a model does not know."""

from system.odd_speech.case import CLIP, COLUMNS, Case, Row, common_voice, line, manifest, table, voices
from system.odd_speech.made.riff import wav
from system.odd_speech.made.signals import chirp
from system.odd_speech.rights.corpora import Reads, Refuses, refuses
from system.odd_speech.rights.runs import Evaluates, Prepares, RefusesEvaluation, RefusesExperiment

M = "manifest.jsonl"
SHORT = wav(chirp())[:-500]
GONE: Row = {"audio_filepath": "gone.wav"}
FOUR_BAD = ({}, {"text": " "}, {"duration": 9}, "{", GONE)


def gone(count: int, good: int = 2) -> dict[str, object]:
    """A manifest with so many lines whose clip is not there, after good ones."""
    return manifest(*({},) * good, *({"audio_filepath": f"gone{n}.wav"} for n in range(count)), clips=good)


def left_out(*right: str, count: int, kind: str = "manifest", **others: object) -> Reads:
    return Reads(right, leave_out=True, left_out=count, kind=kind, **others)  # type: ignore[arg-type]


def people(*said: str, **files: object) -> dict[str, object]:
    """A manifest of eight speakers; what is said from the last one on backwards."""
    spoken = ["one two"] * (8 - len(said)) + list(said)
    return manifest(*({"text": text, "speaker": f"s{n}"} for n, text in enumerate(spoken)), **files)  # type: ignore[arg-type]


def libri(*missing: str) -> dict[str, object]:
    folder = "LibriSpeech/dev-clean/84/1"
    names = [f"84-1-000{n}" for n in range(4)]
    return {f"{folder}/{n}.wav": CLIP for n in names if n not in missing} | {
        f"{folder}/84-1.trans.txt": "".join(f"{n} GO\n" for n in names)
    }


def vctk(**texts: str) -> dict[str, object]:
    root = "VCTK-Corpus-0.92"
    files: dict[str, object] = {f"{root}/wav48_silence_trimmed/p1/p1_00{n}_mic2.flac": CLIP for n in (1, 2, 3)}
    return files | {
        f"{root}/txt/p1/p1_{n}.txt": text for n, text in ({"001": "Go.", "002": "Go.", "003": "Go."} | texts).items()
    }


def chinese(number: int) -> str:
    return "".join(chr(0x4E00 + 7 * number + n) for n in range(6))


CASES = (
    Case(
        "four faults of four kinds",
        manifest(*FOUR_BAD),
        Refuses(((f"{M}:2", "text"), (f"{M}:3", "9"), (f"{M}:4", "JSON"), (f"{M}:5", "gone.wav"))),
    ),
    Case("thirty faults", gone(30), Refuses(((f"{M}:3", "gone0.wav"), (f"{M}:20",)), counted=30)),
    Case("twenty faults", gone(20), Refuses(tuple((f"{M}:{n}", "gone") for n in range(3, 23)))),
    Case("every line at fault", gone(3, good=0), Refuses(tuple((f"{M}:{n}", "gone") for n in (1, 2, 3)))),
    Case("four faults left out", manifest(*FOUR_BAD), left_out("one two", count=4)),
    Case("every line left out", gone(3, good=0), refuses("manifest", leave_out=True)),
    Case(
        "one id three times",
        manifest({"id": "a"}, {"id": "a"}, {"id": "a"}),
        Refuses(((f"{M}:2", f"{M}:1"), (f"{M}:3", f"{M}:1"))),
    ),
    Case(
        "one id three times, left out",
        manifest({"id": "a", "text": "first"}, {"id": "a"}, {"id": "a"}),
        left_out("first", count=2, ids=("a",)),
    ),
    Case(
        "a clip cut short, left out",
        manifest({}, {}, {}, **{"2.wav": SHORT}),
        left_out("one two", "one two", count=1, ids=("1.wav", "3.wav")),
    ),
    Case(
        "a table with four faults",
        table(
            "manifest.csv",
            "audio_filepath,duration,text,speaker\n1.wav,0.5,one\n2.wav,x,two,s2\ngone.wav,0.5,one,s\n2.wav,0.5,,s\n",
        ),
        Refuses(
            (
                ("manifest.csv:2",),
                ("manifest.csv:3", "duration"),
                ("manifest.csv:4", "gone.wav"),
                ("manifest.csv:5", "text"),
            ),
            kind="table",
        ),
    ),
    Case(
        "a table with four faults, left out",
        table(
            "manifest.csv",
            "audio_filepath,duration,text,speaker\n1.wav,0.5,one\n2.wav,x,two,s2\ngone.wav,0.5,one,s\n1.wav,0.5,good,s\n2.wav,0.5,,s\n",
        ),
        left_out("good", count=4, kind="table"),
    ),
    Case(
        "Common Voice with four faults",
        voices(
            f"{COLUMNS}\n"
            + "".join(
                f"c\t{n}.wav\t{said}\t2\t0\t\t\t\ten\t\n"
                for n, said in enumerate(("one", "...", "two", "three", "four"), 1)
            )
            + "c\t6.wav\n",
            (1, 2, 3),
        )
        | {"clips/3.wav": b""},
        Refuses(
            (
                ("validated.tsv:3",),
                ("validated.tsv:4", "3.wav"),
                ("validated.tsv:5", "4.wav"),
                ("validated.tsv:6", "5.wav"),
                ("validated.tsv:7",),
            ),
            kind="common-voice",
        ),
    ),
    Case(
        "Common Voice with faults, left out",
        common_voice("one", "\u2026", "two") | {"clips/3.wav": b"nothing"},
        left_out("one", count=2, kind="common-voice"),
    ),
    Case(
        "two clips of LibriSpeech missing",
        libri("84-1-0001", "84-1-0003"),
        Refuses((("84-1-0001",), ("84-1-0003",)), kind="librispeech"),
    ),
    Case(
        "two clips of LibriSpeech missing, left out",
        libri("84-1-0001", "84-1-0003"),
        left_out("go", "go", count=2, kind="librispeech", ids=("84-1-0000", "84-1-0002")),
    ),
    Case(
        "two clips of Speech Commands damaged",
        {f"go/{n}0a0a0a0_nohash_0.wav": content for n, content in enumerate((CLIP, b"", SHORT))},
        Refuses((("10a0a0a0_nohash_0.wav",), ("20a0a0a0_nohash_0.wav",)), kind="speech-commands"),
    ),
    Case(
        "two transcripts of VCTK without a word",
        vctk(**{"002": "...", "003": ""}),
        Refuses((("p1_002",), ("p1_003",)), kind="vctk"),
    ),
    Case(
        "a manifest to be scored with three faults",
        manifest({}, {"text": ""}, GONE, "[]"),
        RefusesEvaluation(((f"{M}:2",), (f"{M}:3", "gone.wav"), (f"{M}:4",))),
    ),
    Case(
        "faults in silos' and in public speech",
        people() | {"public.jsonl": line(1, GONE) + "\n" + line(2, {"text": ""}) + "\n"},
        RefusesExperiment((("public.jsonl:1", "gone.wav"), ("public.jsonl:2", "text")), {"public": "public.jsonl"}),
    ),
    Case(
        "what is left out of an experiment's speech",
        manifest(*({"speaker": f"s{n}"} for n in range(9)), GONE, GONE | {"text": ""}),
        Prepares(lambda prepared: len(prepared.speech) == 9, corpus={"faulty": "leave out"}),
    ),
    Case(
        "a letter of its own in each silo",
        people(*(f"caf{letter}" for letter in "àéîõüçñø")),
        Prepares(lambda prepared: len(prepared.speech) == 8, says=("4 of 4", "pieces")),
    ),
    Case(
        "Chinese, each silo with characters of its own",
        people(*(chinese(n) for n in range(8))),
        Prepares(lambda prepared: len(prepared.speech) == 8, says=("4 of 4", "24")),
    ),
    Case(
        "words that no public speaker says",
        people(*(f"word{n}" for n in range(8))),
        Prepares(lambda prepared: len(prepared.speech) == 8, says=("4 of 4", "words"), model={"tokens": "words"}),
    ),
    Case(
        "a reference that the model cannot write",
        manifest({"text": "na\u00efve"}, {"text": "one"}, {"text": "\u4f60\u597d"}),
        Evaluates(lambda scores: scores["utterances"] == 3, says=("2", "\u00ef")),
    ),
    Case(
        "references that the model can write, in two forms",
        manifest({"text": "on\u200be"}, {"text": "TWO"}),
        Evaluates(lambda scores: [h["reference"] for h in scores["hypotheses"]] == ["one", "two"]),
    ),
)
