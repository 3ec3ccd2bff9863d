"""The sdist and the wheel that one would publish: built, installed away from the checkout, and run."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flwr.common.config import validate_config
from support.tree import CHECKOUT

FOLDERS = ("fedasr", "strategies", "simulations", "tests", "docs", "benchmarks")
TINY = {
    "corpus.speakers": 9, "corpus.utterances_per_speaker": 3, "corpus.public_speakers": 2, "corpus.test_speakers": 2,
    "corpus.development_speakers": 1, "corpus.unlabelled_speakers": 0, "model.layers": 1, "model.units": 16,
    "model.mels": 16, "start.epochs": 1, "work.utterances": 0, "training.rounds": 1, "training.local_steps": 1,
}  # fmt: skip


def call(*words: object, cwd: Path) -> str:
    """Run a command without what this process has put into its environment, and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    line = [str(word) for word in words]
    done = subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def own_files() -> list[Path]:
    """Return the files at the checkout's root, without those that tools leave there."""
    return [path for path in CHECKOUT.iterdir() if path.is_file() and not path.name.startswith(".")]


def build(kind: str, source: Path, out: Path) -> Path:
    """Let the build backend make an sdist or a wheel with what is installed here, without a network."""
    out.mkdir()
    code = f"from setuptools.build_meta import build_{kind}; build_{kind}({str(out)!r})"
    call(sys.executable, "-c", code, cwd=source)
    return next(out.iterdir())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of this checkout, unpacked."""
    pytest.importorskip("setuptools", minversion="77")
    place = tmp_path_factory.mktemp("sdist")
    for folder in FOLDERS:
        passing = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / folder, place / "checkout" / folder, ignore=passing)
    for path in own_files():
        shutil.copy(path, place / "checkout")
    with tarfile.open(build("sdist", place / "checkout", place / "out")) as packed:
        packed.extractall(place, filter="data")
    return next(place.glob("fedasr-*"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the sdist gives."""
    return build("wheel", sdist, tmp_path_factory.mktemp("wheel") / "out")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that holds the wheel, and behind it what this one has installed."""
    place = tmp_path_factory.mktemp("installed")
    call(sys.executable, "-m", "venv", "--without-pip", place, cwd=place)
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", programs / "python"]
    call(*pip, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel, cwd=place)
    library = next(place.glob("**/site-packages"))
    (library / "others.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    return programs


def test_the_sdist_holds_all_that_the_tests_read(sdist: Path) -> None:
    for folder in FOLDERS:
        wanted = [path for path in (CHECKOUT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"]
        missing = [path for path in wanted if not (sdist / path.relative_to(CHECKOUT)).exists()]
        assert not missing
    assert not [path for path in own_files() if not (sdist / path.name).exists()]


def test_the_wheel_holds_the_packages_and_says_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        about = packed.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"fedasr"}
    assert any(name.startswith("fedasr/strategies/") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "\nLicense-Expression: Apache-2.0\n" in about
    assert "\nProject-URL" not in about


def test_tests_of_the_sdist_run_against_the_wheel(sdist: Path, installed: Path) -> None:
    # -P: the folder that one stands in would shadow the wheel.
    call(installed / "python", "-P", "-m", "pytest", "-p", "no:cacheprovider", "tests/common", cwd=sdist)


def test_both_commands_run_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = call(installed / "python", "-c", "import fedasr; print(fedasr.__file__)", cwd=tmp_path)
    assert Path(where).is_relative_to(installed.parent)
    options = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    options += ["--strategy", "public-only", "--strategy", "fedavg", "--json"]
    printed = [
        call(*command, *options, *more, cwd=tmp_path)
        for command, more in (
            ((installed / "python", "-m", "fedasr.simulate"), ()),
            ((installed / "fedasr", "simulate", "quickstart"), ("--grid", "process")),
        )
    ]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["quickstart-1", "quickstart-2"]
    assert sha256(printed[0]) == sha256(printed[1])


def sha256(summary: str) -> list[str]:
    return [line.strip() for line in summary.splitlines() if "model_sha256" in line]


def test_a_command_that_is_not_there_is_refused_in_a_line(run_command: Callable[..., object], tmp_path: Path) -> None:
    code = "import sys, fedasr; sys.argv[1:] = ['simulat']; fedasr.command()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no command 'simulat'; did you mean 'simulate'?\n"


def test_flower_takes_the_project_as_an_app() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    assert validate_config(project, check_module=True, project_dir=CHECKOUT) == (True, [], [])
