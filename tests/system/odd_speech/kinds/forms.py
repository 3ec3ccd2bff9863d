"""Public corpora as they lie on disk, segments of long files, and paths."""

from system.odd_speech.case import CLIP, Case, Row, line, manifest, table
from system.odd_speech.made.others import encoded, sphere
from system.odd_speech.made.riff import wav
from system.odd_speech.made.signals import chirp, noise, rounded
from system.odd_speech.rights.corpora import Reads, refuses
from system.odd_speech.rights.refusals import Names
from system.odd_speech.rights.runs import Prepares
from system.odd_speech.rights.segments import CutsOut

LONG = rounded(noise(3.0, 44_100))
SECOND = "manifest.jsonl:2"
APPLE_DOUBLE = bytes.fromhex("0005160700020000") + b"Mac OS X        " + bytes(60)


def segments(*rows: Row, file: str = "long.wav", content: object = None) -> dict[str, object]:
    """A manifest of parts of one file of 3 s."""
    long = wav(LONG, 44_100) if content is None else content
    parts = ({"audio_filepath": file, "speaker": f"s{n}"} | dict(row) for n, row in enumerate(rows))  # type: ignore[call-overload]
    return manifest(*parts, clips=0) | {file: long}  # type: ignore[dict-item]


def part(offset: object, seconds: object) -> dict[str, object]:
    return {"offset": offset, "duration": seconds}


def path(name: str, written: str, on_disk: str | None, or_refused: Names | None = None) -> Case:
    """The second line names its file so; it is there, or it is refused."""
    files = manifest({}, {"audio_filepath": written}, clips=1) | ({on_disk: CLIP} if on_disk else {})
    right = Reads(("one two",) * 2, or_refused=or_refused or ()) if on_disk else refuses(*or_refused or (SECOND,))
    return Case(name, files, right)


def libri(root: str, subset: str, form: str = "flac", **files: object) -> dict[str, object]:
    """Two utterances of one speaker in LibriSpeech's folders."""
    folder = f"{root}/{subset}/0084/121"
    flac = encoded(chirp(), form="FLAC")
    return (
        {f"{folder}/0084-121-000{n}.{form}": flac if form == "flac" else CLIP for n in (0, 1)}
        | {f"{folder}/0084-121.trans.txt": "0084-121-0000 GO ON\n0084-121-0001 IT'S LATE\n"}
        | files
    )


def numbered(speakers: int) -> str:
    """A manifest of speakers called by numbers."""
    return "".join(line(n, {"speaker": n - 1}) + "\n" for n in range(1, speakers + 1))


MLS = "mls_german/dev"
TRAINS = {"public": "same"}

CASES = (
    Case(
        "parts between samples at 44.1 kHz",
        segments(part(0.33333, 0.51), part(1.0000001, 0.777)),
        CutsOut(LONG, 44_100, ((0.33333, 0.51), (1.0000001, 0.777))),
    ),
    Case(
        "parts that overlap, as people who talk at once do",
        segments(part(0.0, 1.5), part(0.5, 2.5)),
        CutsOut(LONG, 44_100, ((0.0, 1.5), (0.5, 2.5))),
    ),
    Case(
        "parts of an MP3",
        segments(part(0.5, 1.0), part(1.7, 0.8), file="long.mp3", content=lambda: encoded(noise(3.0), form="MP3")),
        CutsOut(None, 8000, ((0.5, 1.0), (1.7, 0.8))),
    ),
    Case(
        "parts of GSM",
        segments(part(0.5, 1.0), part(1.7, 0.8), content=lambda: encoded(noise(3.0), form="WAV", subtype="GSM610")),
        CutsOut(None, 8000, ((0.5, 1.0), (1.7, 0.8))),
    ),
    Case("an offset after the end", segments(part(0, 1), part(3.5, 1)), refuses(SECOND, "3.5")),
    Case("a part that ends after the end", segments(part(0, 1), part(2.5, 1)), refuses(SECOND)),
    Case("a negative offset", segments(part(0, 1), part(-0.5, 1)), refuses(SECOND, "offset")),
    Case("an offset that is no number", segments(part(0, 1), part("later", 1)), refuses(SECOND, "offset")),
    Case("an offset of NaN", segments(part(0, 1), part(float("nan"), 1)), refuses(SECOND, "offset")),
    Case("the same part twice", segments(part(1, 1), part(1.0, 1)), refuses(SECOND, "manifest.jsonl:1")),
    Case(
        "parts in a table",
        table(
            "manifest.csv",
            "audio_filepath,offset,duration,text,speaker\nlong.wav,0.5,1,one,s1\nlong.wav,1.5,1.25,two,s2\n",
            0,
        )
        | {"long.wav": wav(LONG, 44_100)},
        CutsOut(LONG, 44_100, ((0.5, 1.0), (1.5, 1.25)), kind="table"),
    ),
    Case(
        "the same numbers for other speakers in public speech",
        manifest(*({"speaker": n} for n in range(6))) | {"public.jsonl": numbered(3)},
        Prepares(
            lambda p: len(p.partition.public_labelled) == 3 and len(p.speech) == 9, corpus={"public": "public.jsonl"}
        ),
    ),
    Case(
        "fewer public speakers asked for than another manifest has",
        manifest(*({"speaker": n} for n in range(5))) | {"public.jsonl": numbered(5)},
        Prepares(
            lambda p: len(p.partition.public_labelled) == 2,
            says=("2", "5"),
            corpus={"public": "public.jsonl", "public_speakers": 2},
        ),
    ),
    Case(
        "a subset of one's own in LibriSpeech's folders, as WAV",
        libri("mine", "train-farm-7", "wav"),
        Reads(("go on", "it's late"), kind="librispeech", path="mine", subset="train-farm-7", speakers=("0084",) * 2),
    ),
    Case(
        "LibriSpeech unpacked by a Mac",
        libri(
            "LibriSpeech",
            "dev-clean",
            **{
                "LibriSpeech/dev-clean/0084/121/._0084-121-0000.flac": APPLE_DOUBLE,
                "LibriSpeech/.DS_Store": bytes(100),
                "LibriSpeech/dev-clean/0084/121/._0084-121.trans.txt": APPLE_DOUBLE,
                "LibriSpeech/dev-clean/.DS_Store": bytes(100),
            },
        ),
        Reads(("go on", "it's late"), kind="librispeech", ids=("0084-121-0000", "0084-121-0001")),
    ),
    Case(
        "a folder of MLS",
        {f"{MLS}/audio/1844/931/1844_931_000{n}.flac": lambda: encoded(chirp(), form="FLAC") for n in (0, 1)}
        | {f"{MLS}/transcripts.txt": "1844_931_0000\tguten tag\n1844_931_0001\tauf wiedersehen\n"},
        Reads(
            ("guten tag", "auf wiedersehen"),
            kind="librispeech",
            path="mls_german",
            subset="dev",
            speakers=("1844",) * 2,
        ),
    ),
    Case(
        "Speech Commands with background noise and a Mac's copies",
        {
            "_background_noise_/white_noise.wav": CLIP,
            "go/._0a0a0a0a_nohash_0.wav": APPLE_DOUBLE,
            "go/0a0a0a0a_nohash_0.wav": CLIP,
            "no/0b0b0b0b_nohash_1.wav": CLIP,
            ".DS_Store": b"x",
            "testing_list.txt": "no/0b0b0b0b_nohash_1.wav\n",
        },
        Reads(("go", "no"), kind="speech-commands", speakers=("0a0a0a0a", "0b0b0b0b")),
    ),
    Case(
        "SPHERE in a file called WAV, as TIMIT's are",
        manifest({"audio_filepath": "SA1.WAV"}, clips=0) | {"SA1.WAV": sphere(chirp())},
        Reads(("one two",), seconds=(0.5,)),
    ),
    path("spaces, a number sign and a percent sign", "a b#1 100%.wav", "a b#1 100%.wav"),
    path("a path up and down again", "../{here}/2.wav".replace("{here}", "case"), "2.wav"),
    path("backslashes", "audio\\2.wav", "audio/2.wav", (SECOND, "audio")),
    path("an address", "https://example.org/2.wav", None, (SECOND, "example.org")),
    path("a pipe of Kaldi", "sph2pipe -f wav 2.sph |", None, (SECOND,)),
    path("letters of the other case", "2.WAV", "2.wav", (SECOND, "2.WAV")),
    path("another file in the place of a folder", "1.wav/2.wav", None, (SECOND,)),
)
