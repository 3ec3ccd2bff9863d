"""What synthetic speakers say: connected digits and spoken commands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fedasr.common.errors import UserError, nearest

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_SLOTS: dict[str, tuple[str, ...]] = {
    "digit": DIGITS[2:],
    "room": ("kitchen", "bedroom", "bathroom", "garage", "garden", "hall"),
    "device": ("lights", "heating", "fan", "television", "radio"),
    "switch": ("on", "off"),
    "music": ("music", "jazz", "news", "something quiet"),
    "unit": ("minutes", "hours", "seconds"),
    "person": ("anna", "john", "mum", "the office"),
    "day": ("today", "tomorrow", "monday", "friday"),
    "direction": ("up", "down"),
}
_COMMANDS = (
    "turn the {room} {device} {switch}",
    "turn {switch} the {device} in the {room}",
    "turn the {device} {direction}",
    "play some {music} in the {room}",
    "set a timer for {digit} {unit}",
    "wake me at {digit} {day}",
    "call {person} {day} at {digit}",
    "send a message to {person}",
    "what is the weather {day}",
    "stop the {music} and call {person}",
)


def digits(random: np.random.Generator) -> str:
    """Return three to seven connected digits."""
    return " ".join(DIGITS[i] for i in random.integers(len(DIGITS), size=random.integers(3, 8)))


def command(random: np.random.Generator) -> str:
    """Return a command to a house or a telephone, out of about 70 words."""
    template = _COMMANDS[random.integers(len(_COMMANDS))]
    return template.format(**{name: words[random.integers(len(words))] for name, words in _SLOTS.items()})


def mixed(random: np.random.Generator) -> str:
    """Return digits or a command, equally often."""
    return digits(random) if random.random() < 0.5 else command(random)


Grammar = Callable[[np.random.Generator], str]

GRAMMARS: dict[str, Grammar] = {"digits": digits, "commands": command, "mixed": mixed}
"""Grammars by name."""


def grammar_named(name: str) -> Grammar:
    """Return a grammar: a function from a random generator to a text."""
    if name not in GRAMMARS:
        raise UserError(f"corpus.grammar: unknown grammar '{name}'{nearest(name, GRAMMARS)}")
    return GRAMMARS[name]
