"""The list of packages, the folders, and the tests say the same."""

import ast
import tomllib
from importlib.metadata import version

from support.tree import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
PLACES = PROJECT["tool"]["setuptools"]["package-dir"]
OF_NO_ROOM = {"support", "system", "house", "strategies", "extensions"}


def folders_with(pattern: str, root: str) -> set[str]:
    """Return the folders below a root of the checkout that hold such files, relative to it."""
    found = {path.parent.relative_to(CHECKOUT / root).as_posix() for path in (CHECKOUT / root).rglob(pattern)}
    return found - {"."}


def test_every_folder_of_code_is_in_the_list_of_packages() -> None:
    packages = PROJECT["tool"]["setuptools"]["packages"]
    found = {"fedasr", "fedasr.strategies", "fedasr.simulations"}
    found |= {f"fedasr.{folder.replace('/', '.')}" for folder in folders_with("*.py", "fedasr")}
    assert set(packages) == found
    assert len(packages) == len(found)
    assert set(PLACES) == {"fedasr", "fedasr.strategies", "fedasr.simulations"}


def test_every_package_says_in_a_line_what_it_is() -> None:
    for path in [*(CHECKOUT / "fedasr").rglob("__init__.py"), *CHECKOUT.glob("s*/__init__.py")]:
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert said is not None, path
        assert said.splitlines()[0].endswith("."), path


def test_data_files_beside_the_code_are_packed() -> None:
    packed = PROJECT["tool"]["setuptools"]["package-data"]
    for path in (CHECKOUT / "fedasr").rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            package = ".".join(path.parent.relative_to(CHECKOUT).parts)
            assert any(path.match(pattern) for pattern in packed.get(package, [])), path


def test_tests_mirror_the_rooms() -> None:
    rooms = folders_with("*.py", "fedasr")
    for folder in folders_with("test_*.py", "tests"):
        assert folder in rooms or folder.split("/")[0] in OF_NO_ROOM, folder
    for folder in folders_with("*.py", "tests"):
        assert (CHECKOUT / "tests" / folder / "__init__.py").exists() or folder.startswith("extensions/"), folder


def test_the_installed_version_is_that_of_the_project() -> None:
    assert version("fedasr") == PROJECT["project"]["version"]
