"""torchaudio has ended: it is imported for two functions alone, and all else runs without it."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.running import Finished, command
from support.sound import manifest, record, row
from support.tree import PACKAGES, Module, read_modules
from support.without import keep_out

DOORS = ("fedasr.asr.heads.rnnt_loss", "fedasr.asr.forced_alignment")
MODULES = read_modules(PACKAGES)


def _imported(module: Module) -> Iterator[str]:
    """Yield what a module imports at its head or later, and the names that stand in it as texts."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.Call):
            yield from (
                word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)
            )


def test_two_modules_import_it() -> None:
    found = {
        name for name, module in MODULES.items() for other in _imported(module) if other.split(".")[0] == "torchaudio"
    }
    assert found == set(DOORS)


@pytest.mark.parametrize("door", DOORS)
def test_and_only_within_a_function(door: str) -> None:
    at_its_head = [node for node in MODULES[door].tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any("torchaudio" in ast.dump(node) for node in at_its_head)


@pytest.fixture
def kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_out("torchaudio", tmp_path / "site", monkeypatch)


def test_a_package_that_is_kept_out_cannot_be_imported(kept_out: None) -> None:
    found = command("torchaudio")
    assert found.code == 1
    assert "torchaudio is kept out" in found.err


@pytest.mark.parametrize("encoder", ["bilstm", "conformer"])
def test_without_it_models_are_trained_scored_and_used(
    encoder: str, kept_out: None, tmp_path: Path, write_toml: Callable[..., Path]
) -> None:
    file, run, audio = write_toml(model={"encoder": encoder}), tmp_path / "run", record(tmp_path / "a.wav")
    model, lines = run / "fedavg", manifest(tmp_path, row("a.wav", text="one"))
    _is_done(command("fedasr.simulate", file, "--out", run, "--grid", "process"))
    _is_done(command("fedasr.evaluate", model))
    _is_done(command("fedasr.evaluate", model, lines))
    _is_done(command("fedasr.transcribe", model, audio))


def test_without_it_a_transducer_is_refused_before_training(kept_out: None, write_toml: Callable[..., Path]) -> None:
    found = command("fedasr.simulate", write_toml(model={"head": "transducer"}), "--grid", "process")
    assert (found.code, found.out) == (2, "")
    assert "model.head is 'transducer': the transducer's loss needs torchaudio" in found.err
    assert found.err.count("\n") == 1


def _is_done(found: Finished) -> None:
    assert found.code == 0, found.err
