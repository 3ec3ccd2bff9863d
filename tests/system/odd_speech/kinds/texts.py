"""Text and names: many spellings of Unicode, one canonical form."""

from unicodedata import normalize

from system.odd_speech.case import CLIP, Case, common_voice, manifest, texts
from system.odd_speech.rights.corpora import Reads, refuses
from system.odd_speech.rights.tokens import WrittenBack

CV = "common-voice"
COMPOSED, TAKEN_APART = "Zo\u00eb", "Zoe\u0308"


def said(name: str, spoken: str, right: str) -> Case:
    """A manifest's text, and what it is."""
    return Case(name, texts(spoken), Reads((right,)))


def voiced(name: str, spoken: str, right: str) -> Case:
    """A sentence of Common Voice, and its words."""
    return Case(name, common_voice(spoken), Reads((right,), kind=CV))


def spoken_by(name: str, *speakers: str, right: tuple[str, ...]) -> Case:
    return Case(name, manifest(*({"speaker": speaker} for speaker in speakers)), Reads(speakers=right))


CASES = (
    said("Vietnamese with its marks apart", normalize("NFD", "Tiếng Việt ở đâu"), "tiếng việt ở đâu"),
    said("Korean in letters", normalize("NFD", "한국어 말하기"), "한국어 말하기"),
    said("kana with voicing marks apart", "\u304b\u3099\u306f\u309a", "\u304c\u3071"),
    said("a joiner that forms a Hindi letter", "\u0915\u094d\u200d\u0937 \u0930", "\u0915\u094d\u200d\u0937 \u0930"),
    said(
        "a Persian non-joiner, and one that ends a word",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\u200c \u0628\u0631\u0648",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0628\u0631\u0648",
    ),
    said(
        "Arabic with marks in the order of typing, and a direction mark",
        "\u200f\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f\u061c",
        normalize("NFC", "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f"),
    ),
    said(
        "a Hebrew letter with its dot in one character",
        "\ufb2a\u05b8\u05dc\u05d5\u05b9\u05dd",
        "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd",
    ),
    said("embeddings and isolates of direction", "\u202aone\u202c \u2067two\u2069 \u202ethree\u202c", "one two three"),
    said(
        "word joiner, byte order mark, grapheme joiner, zero width space",
        "o\u2060ne t\ufeffwo thr\u034fee f\u200bour",
        "one two three four",
    ),
    said(
        "spaces of many widths", "one\u00a0two\u202fthree\u3000four\u2009five\u205fsix", "one two three four five six"
    ),
    said("letters of full width", "ＡＢＣ", "ａｂｃ"),
    said("sharp s, small and capital", "STRA\u1e9eE, Straße", "straße, straße"),
    said("final sigma", "ΟΔΥΣΣΕΥΣ ΣΟΦΟΣ", "οδυσσευς σοφος"),
    Case("a dotted capital in both forms", texts("\u0130zmir", "I\u0307zmir"), Reads(("i\u0307zmir",) * 2)),
    voiced("a family joined of people", "We are \U0001f468\u200d\U0001f469\u200d\U0001f467 here", "we are here"),
    voiced("a heart with a selector of its look", "I \u2764\ufe0f you", "i you"),
    voiced("apostrophes of many kinds", "don\u2019t l\u02bcalba ok\u02bbina", "don't l\u02bcalba ok\u02bbina"),
    voiced("Thai with sara am", "น้ำ ทำ", "น้ำ ทำ"),
    voiced("Hindi with vowel signs and a full stop of its own", "नमस्ते दुनिया।", "नमस्ते दुनिया"),
    spoken_by("one speaker in two forms", COMPOSED, TAKEN_APART, right=(COMPOSED, COMPOSED)),
    spoken_by(
        "one speaker with marks that nobody sees",
        "anna",
        "anna\u200b",
        "\ufeffanna ",
        "an\u00adna",
        right=("anna",) * 4,
    ),
    spoken_by(
        "one speaker with spaces of two kinds",
        "Anna Maria",
        "Anna\u00a0Maria",
        "Anna  Maria",
        right=("Anna Maria",) * 3,
    ),
    Case(
        "one id in two forms",
        manifest({"id": COMPOSED}, {"id": TAKEN_APART}),
        refuses("manifest.jsonl:2", "manifest.jsonl:1"),
    ),
    Case(
        "a file whose name is apart on disk and in the manifest",
        manifest({"audio_filepath": f"{TAKEN_APART}.wav"}, clips=0) | {f"{TAKEN_APART}.wav": CLIP},
        Reads(("one two",), seconds=(0.5,)),
    ),
    Case(
        "pieces of ligatures, halves and narrow kana", {}, WrittenBack(("ﬁne ½ cup", "ｶﾞｲﾄﾞ ２", "e\u0301 № ™", "น้ำ ทำ"))
    ),
)
