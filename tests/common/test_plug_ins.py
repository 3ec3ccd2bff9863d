"""What others' code raises is one line, with the file and the line where its author finds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from support.running import Refused, tiny_table

from fedasr.asr.component import Choice
from fedasr.asr.encoders.encoder import ENCODERS
from fedasr.asr.heads.head import HEADS
from fedasr.common.errors import UserError
from fedasr.common.registry import Registry
from fedasr.corpora.load import READERS, load_corpus
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.strategy_options import STRATEGIES
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import KINDS
from fedasr.protection.protection import PROTECTIONS, build_protection
from fedasr.report.pictures.picture import PICTURES
from fedasr.server.strategies_by_name import build_strategy
from fedasr.training.objectives.objective import OBJECTIVES, build_objective
from fedasr.wire.codecs_by_name import CODECS, build_codec

REGISTRIES: list[Registry[Any]] = [
    STRATEGIES, CODECS, PROTECTIONS, OBJECTIVES, HEADS, ENCODERS, READERS, PICTURES, KINDS
]  # fmt: skip
BROKEN = {
    "a name": ("x = 1\nundefined_name\n", 2, "NameError: name 'undefined_name' is not defined"),
    "an exit": ("import sys\n\nsys.exit('no licence\\nfor you')\n", 3, "SystemExit: no licence for you"),
    "no message": ("raise RuntimeError\n", 1, "RuntimeError"),
    "an import": ("import no_such_library\n", 1, "No module named 'no_such_library'"),
    "a name of a library": ("from math import no_such_name\n", 1, "cannot import name 'no_such_name' from 'math'"),
    "syntax": ("x = (\n", 1, "SyntaxError: '(' was never closed"),
    "within a library": ("import json\njson.loads('{')\n", 2, "JSONDecodeError: Expecting property name"),
    "none of the exceptions": ("class Odd(BaseException): ...\nraise Odd('x')\n", 2, "Odd: x"),
    "a number": ("1 / 0\n", 1, "ZeroDivisionError: division by zero"),
}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a module that can be imported; each test calls its own otherwise, for Python imports a name once."""
    monkeypatch.syspath_prepend(str(tmp_path))
    number = sum(map(ord, tmp_path.name))

    def write(text: str) -> Path:
        path = tmp_path / f"theirs_{tmp_path.name}_{number}.py".replace("-", "_")
        path.write_text(text)
        return path

    return write


def line_of(error: pytest.ExceptionInfo[UserError]) -> str:
    (line,) = error.value.lines
    return line


@pytest.mark.parametrize("fault", BROKEN)
def test_a_module_that_raises_is_one_line_with_its_place(fault: str, module: Callable[[str], Path]) -> None:
    text, line, says = BROKEN[fault]
    path = module(text)
    for registry in REGISTRIES:
        with pytest.raises(UserError) as refused:
            registry.find(f"{path.stem}:X")
        told = line_of(refused)
        assert told.startswith(f"the {registry.kind} '{path.stem}:X' cannot be imported: {says}")
        assert told.endswith(f"({path}, line {line})")


def test_the_place_is_in_the_file_that_raises_though_another_was_named(module: Callable[[str], Path]) -> None:
    path = module("from a_helper import x\n")
    path.with_name("a_helper.py").write_text("\n\nx = no_such_name\n")
    with pytest.raises(UserError, match=re.escape(f"({path.with_name('a_helper.py')}, line 3)")):
        STRATEGIES.find(f"{path.stem}:X")


def test_an_installed_package_is_named_and_not_the_library_that_it_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "bought"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from bought.inner import x\n")
    (package / "inner.py").write_text("import numpy as np\nx = np.zeros(3) @ np.zeros(4)\n")
    monkeypatch.syspath_prepend(str(package.parent))
    with pytest.raises(UserError, match=re.escape(f"({package / 'inner.py'}, line 2)")):
        CODECS.find("bought:Codec")


def test_what_is_missing_has_no_place_and_an_interruption_is_none(module: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match=r"cannot be imported: No module named 'no_such_module'$"):
        CODECS.find("no_such_module:Codec")
    path = module("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        CODECS.find(f"{path.stem}:Codec")


OTHERS = """
from dataclasses import dataclass
from flwr.serverapp.strategy import FedAvg
from fedasr.asr.component import Component
from fedasr.common.settings import Settings
from fedasr.protection.none import Unprotected
from fedasr.training.objectives.supervised import Supervised

def fault():
    raise LookupError("here")

@dataclass(frozen=True)
class Codec:
    def __post_init__(self): fault()
@dataclass(frozen=True)
class Protection(Unprotected):
    def conflicts(self): fault()
@dataclass(frozen=True)
class Objective(Supervised):
    def __post_init__(self): fault()
@dataclass(frozen=True)
class OwnSettings(Settings):
    pass
class Strategy(FedAvg):
    def __init__(self, **options): fault()
class Settled(FedAvg):
    settings_class = OwnSettings
    def __init__(self, settings, **options): fault()
class Head(Component):
    role = "head"
    def __init__(self, *sizes): fault()
def read(path):
    yield from ()
    fault()
"""
LINE = OTHERS.splitlines().index('    raise LookupError("here")') + 1
MADE: dict[str, Callable[[str], object]] = {
    "codec": lambda at: build_codec(f"{at}:Codec", {}),
    "protection": lambda at: build_protection(f"{at}:Protection", {}),
    "objective": lambda at: build_objective(f"{at}:Objective", {}),
    "strategy": lambda at: build_strategy(RowSpec("theirs", f"{at}:Strategy"), TrainingSpec(), 3),
    "settled": lambda at: build_strategy(RowSpec("theirs", f"{at}:Settled"), TrainingSpec(), 3),
    "head": lambda at: Choice(f"{at}:Head", {}, {}).made(HEADS, 1, 2),
    "reader": lambda at: load_corpus(f"{at}:read", Path(".")),
}


@pytest.mark.parametrize("what", MADE)
def test_an_object_that_cannot_be_made_is_one_line_with_its_place(what: str, module: Callable[[str], Path]) -> None:
    path = module(OTHERS)
    with pytest.raises(UserError) as refused:
        MADE[what](path.stem)
    assert line_of(refused).endswith(f"LookupError: here ({path}, line {LINE})")


def test_what_is_no_dataclass_of_settings_is_refused(module: Callable[[str], Path]) -> None:
    path = module("class Codec: ...\n")
    with pytest.raises(UserError, match="Codec is no dataclass of settings"):
        build_codec(f"{path.stem}:Codec", {})


@pytest.mark.parametrize("row", [{"strategy": "{}:X"}, {"codec": "{}:X"}, {"protection": "{}:X"}])
def test_a_command_that_names_it_ends_in_that_line(
    row: dict[str, str], module: Callable[[str], Path], refused: Refused, tmp_path: Path
) -> None:
    path = module("undefined_name\n")
    named = {"strategy": "fedavg", **{key: name.format(path.stem) for key, name in row.items()}, "name": "theirs"}
    (tmp_path / "theirs.toml").write_text(tomli_w.dumps(tiny_table(compare=[named])))
    told = refused(tmp_path / "theirs.toml", "--grid", "process")
    assert told.endswith(f"({path}, line 1)")
