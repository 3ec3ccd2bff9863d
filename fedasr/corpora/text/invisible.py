"""Characters without a look and a sound of their own: what is removed of them, and where a joiner stays."""

from __future__ import annotations

import re
import unicodedata

ZWNJ, ZWJ = "\u200c", "\u200d"
"""Zero-width non-joiner and joiner: part of the spelling in Persian and in Indic scripts."""
JOINERS = ZWNJ + ZWJ
_VIRAMA = 9
"""The canonical combining class of signs that silence a vowel."""

# Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt) without the two joiners, and the marks
# of interlinear annotation; then control characters that are no white space, and code points that are no characters.
_REMOVED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]+"
)
_JOINERS = re.compile(f"[{JOINERS}]+")


def without_invisible(text: str) -> str:
    """Return a text without invisible marks; joiners stay inside words, one where several follow each other."""
    return _JOINERS.sub(_joiner, _REMOVED.sub("", text))


def _joiner(run: re.Match[str]) -> str:
    """Return the first joiner of a run where it belongs to the spelling (Unicode Standard Annex 31, 2.3), else nothing.

    That is between letters, a mark being part of its letter; ZWJ after a virama also where a word ends (Malayalam).
    """
    before, after = run.string[max(run.start() - 1, 0) : run.start()], run.string[run.end() : run.end() + 1]
    is_after_letter = unicodedata.category(before)[0] in "LM" if before else False
    is_half_form = bool(before) and unicodedata.combining(before) == _VIRAMA and run[0][0] == ZWJ
    return run[0][0] if is_half_form or (is_after_letter and _may_follow(after)) else ""


def _may_follow(after: str) -> bool:
    """Say whether a character may follow a joiner: a letter, a vowel sign or a virama, no accent."""
    if not after:
        return False
    kind = unicodedata.category(after)[0]
    return kind == "L" or (kind == "M" and unicodedata.combining(after) in (0, _VIRAMA))
