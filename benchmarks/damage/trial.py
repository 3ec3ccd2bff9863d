"""One damage, and what came of it."""

from __future__ import annotations

import random
import traceback
from pathlib import Path
from typing import Any

from damage.bench import CASES, Bench
from damage.commands import CommandError
from damage.kinds import DAMAGES, Damage, damaged

PASSED = ("same", "told")


def trial(bench: Bench, seed: int, number: int) -> tuple[str, list[str]]:
    """Return what came of one damage, ``"same"``, ``"told"`` or a failure, and what was said."""
    dice = random.Random(f"{seed} {number}")
    case = dice.choice(CASES)
    kind = dice.choice(list(DAMAGES))
    done: list[Damage] = []

    def damage(files: list[Path]) -> None:
        done.append(damaged(bench.place, files, kind, dice))

    def what() -> list[str]:
        return [f"{done[0].kind} {done[0].path.relative_to(bench.place)} {done[0].told}", " ".join(case)]

    try:
        told, found = bench.outcome(*case, damage)
    except CommandError as error:
        return error.came, [*what(), *error.told]
    except Exception:
        return "traceback", [*what(), traceback.format_exc()]
    said = [line for line in told if line not in bench.usual[case]]
    if found == bench.expected[case]:
        return "same", [*what(), *said]
    if said:
        return "told", [*what(), *said]
    known = bench.should_come(*case)
    return ("same", what()) if found == known else ("silently another result", [*what(), *differences(known, found)])


def differences(known: Any, found: Any, place: str = "") -> list[str]:
    """Return in what a result differs from the one that should have come, the first few."""
    if isinstance(known, dict) and isinstance(found, dict):
        pairs = [(key, known.get(key), found.get(key)) for key in (known | found)]
    elif isinstance(known, list) and isinstance(found, list) and len(known) == len(found):
        pairs = [(str(number), *pair) for number, pair in enumerate(zip(known, found, strict=True))]
    else:
        return [f"{place}: {str(known)[:80]} and {str(found)[:80]}"] if known != found else []
    return [line for key, one, other in pairs for line in differences(one, other, f"{place}.{key}")][:6]
