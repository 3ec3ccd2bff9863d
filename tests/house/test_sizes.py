"""What has grown too large to be read is told, as a warning."""

import warnings
from pathlib import Path

import pytest
from support.tree import CHECKOUT

LINES, MODULES = 300, 12


def too_large(root: Path) -> list[str]:
    """Name the files of more than 300 lines, and the folders with more than a dozen modules beside each other."""
    found, beside = [], dict[Path, int]()
    for path in sorted(root.rglob("*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        found += [f"{path.relative_to(root)}: {lines} lines"] if lines > LINES else []
        beside[path.parent] = beside.get(path.parent, 0) + (not path.stem.startswith("__"))
    return found + [
        f"{folder.relative_to(root)}/: {count} modules beside each other"
        for folder, count in beside.items()
        if count > MODULES
    ]


@pytest.mark.parametrize("folder", ["fedasr", "strategies", "benchmarks", "tests"])
def test_what_is_too_large_is_told(folder: str) -> None:
    if found := too_large(CHECKOUT / folder):
        warnings.warn(f"too large to be read in {folder}/:\n" + "\n".join(found), UserWarning, stacklevel=1)


def test_lines_and_modules_are_counted(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    for number in range(12):
        (tmp_path / f"m{number}.py").write_text("1\n" * 300)
    assert too_large(tmp_path) == []
    (tmp_path / "m0.py").write_text("1\n" * 301)
    (tmp_path / "m12.py").touch()
    assert too_large(tmp_path) == ["m0.py: 301 lines", "./: 13 modules beside each other"]
