"""Flower's own tests of its server-side strategies, their replies routed through a grid of fedasr.

    python benchmarks/flower_strategies.py CHECKOUT
    python benchmarks/flower_strategies.py CHECKOUT --grid process

CHECKOUT is a copy of Flower's repository at the tag of the installed version; the wheel holds no tests. Each test runs
as it stands there, against the strategies that are installed. Only the way that replies take is another: before
``aggregate_train`` is given them, each is answered by a silo of its own, checked, counted and delivered by the grid.
The exit code is 1 where a test fails, or a checkout of another version is given.
"""

from __future__ import annotations

import argparse
import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flwr.serverapp.strategy as strategies
import pytest
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp.strategy import Strategy

from fedasr.common.randomness import Streams
from fedasr.engine.admission import open_workers
from fedasr.grid.workers import Workers

FOLDER = Path("framework/py/flwr/serverapp/strategy")


@dataclass(frozen=True)
class Answers:
    """Makes the app of silos that answer with contents given beforehand, silo n with the n-th."""

    contents: tuple[RecordDict, ...]

    def __call__(self) -> ClientApp:
        """Return the app."""
        app = ClientApp()

        @app.train()
        def train(message: Message, context: Context) -> Message:
            return Message(self.contents[int(context.node_config["silo"])], reply_to=message)

        return app


@dataclass
class Routed:
    """Routes replies through a grid, and counts how many it took there.

    Parameters
    ----------
    workers : Workers
    """

    workers: Workers
    replies: int = 0
    _is_inside: bool = False

    def through(self, replies: list[Any]) -> list[Any]:
        """Return replies as the grid delivers them."""
        if not all(reply.has_content() is True or not reply.has_error() for reply in replies):
            return replies
        contents = tuple(reply.content for reply in replies)
        nodes = {silo: {"silo": silo} for silo in range(len(contents))}
        grid = self.workers.open_grid(Answers(contents), nodes, Streams(1))
        sent = RecordDict({"config": ConfigRecord({"server-round": 1})})
        found = list(grid.send_and_receive([Message(sent, node, "train") for node in grid.get_node_ids()]))
        assert all(reply.has_content() for reply in found), [r.error.reason for r in found if r.has_error()]
        self.replies += len(found)
        return found

    def routed(self, aggregate: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``aggregate_train`` with its replies routed; what it calls of its own kind has them already."""

        @functools.wraps(aggregate)
        def aggregate_train(strategy: Strategy, server_round: int, replies: Iterable[Message]) -> Any:
            if self._is_inside:
                return aggregate(strategy, server_round, replies)
            taken = self.through(list(replies)) if replies else replies
            self._is_inside = True
            try:
                return aggregate(strategy, server_round, taken)
            finally:
                self._is_inside = False

        return aggregate_train


def all_strategies(cls: type = Strategy) -> Iterator[type]:
    """Yield all strategies that are imported."""
    for each in cls.__subclasses__():
        yield each
        yield from all_strategies(each)


def run(checkout: Path, grid: str) -> int:
    """Run the tests with one grid and return pytest's exit code."""
    workers = open_workers(grid, 2)
    route, patch = Routed(workers), pytest.MonkeyPatch()
    for cls in dict.fromkeys(all_strategies()):
        if "aggregate_train" in vars(cls):
            patch.setattr(cls, "aggregate_train", route.routed(vars(cls)["aggregate_train"]))
    tests = sorted(str(path) for path in (checkout / FOLDER).glob("*_test.py"))
    plain = ["-q", "--noconftest", "-p", "no:cacheprovider", "-o", "addopts=", "-c", "/dev/null", "-W", "ignore"]
    try:
        code = int(pytest.main([*plain, "--rootdir", str(checkout), *tests]))
    finally:
        patch.undo()
        workers.close()
    print(f"{grid}: {len(tests)} files, {route.replies} replies through the grid", flush=True)
    return code


def version_of(checkout: Path) -> str:
    """Return the version that a checkout says it is."""
    found = re.search(r'^version = "(.+)"', (checkout / "framework/pyproject.toml").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def main() -> None:
    """Read the command line and run the tests with each grid."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--grid", choices=("process", "ray"))
    parser.add_argument("--any-version", action="store_true", help="take a checkout of another version")
    asked = parser.parse_args()
    there, here = version_of(asked.checkout), version("flwr")
    if there != here:
        print(f"the checkout is of Flower {there}, and {here} is installed", file=sys.stderr)
        if not asked.any_version:
            raise SystemExit(1)
    strategies.__path__.append(str(asked.checkout / FOLDER))  # where the tests import each other from
    codes = [run(asked.checkout, grid) for grid in ([asked.grid] if asked.grid else ["process", "ray"])]
    raise SystemExit(max(codes))


if __name__ == "__main__":
    main()
