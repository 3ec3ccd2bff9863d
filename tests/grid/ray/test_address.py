"""Addresses that cannot be, and addresses where something else listens: a line each, soon."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import grpc
import pytest
import ray
from support.running import Refused

from fedasr.common.errors import UserError
from fedasr.grid.ray import address as module
from fedasr.grid.ray.address import ALIVE, cluster_address


@pytest.fixture(autouse=True)
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "--address is empty; write HOST:PORT"),
        ("  ", "--address is empty"),
        ("ray://10.0.0.1:10001", "Ray's client is not supported; run the command on a machine of the cluster"),
        ("ray://", "Ray's client is not supported"),
        ("http://10.0.0.1:8265", "not the address of a head; write HOST:PORT"),
        ("local", "leave it out"),
        ("10.0.0.1", "not an address; write HOST:PORT"),
        ("10.0.0.1:", "not an address"),
        (":6379", "not an address"),
        ("10.0.0.1:x", "not an address"),
        ("10.0.0.1:0", "not an address"),
        ("10.0.0.1:65536", "not an address"),
        ("::1:6379", "IPv6: [::1]:6379"),
        ("[::1]", "not an address"),
        ("a b:6379", "not an address"),
        ("AUTO", "not an address"),
    ],
)
def test_what_is_no_address_is_refused_with_what_is_one(text: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        cluster_address(text)
    (line,) = refused.value.lines
    assert told in line
    assert line.startswith(f"--address {text}".rstrip())


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("10.0.0.1:6379", "10.0.0.1", 6379),
        ("head.lab:1", "head.lab", 1),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
    ],
)
def test_an_address_has_a_host_and_a_port(text: str, host: str, port: int) -> None:
    found = cluster_address(text)
    assert found is not None
    assert (found.host, found.port, found.said) == (host, port, f"--address {text}")


def test_auto_is_what_the_environment_says_or_what_ray_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.services, "canonicalize_bootstrap_address", lambda address: "10.0.0.2:88")
    for known, port in ((None, 88), ("auto", 88), ("", 88), ("10.0.0.1:77", 77)):
        if known is not None:
            monkeypatch.setenv("RAY_ADDRESS", known)
        found = cluster_address("auto")
        assert found is not None
        assert found.port == port
    monkeypatch.setenv("RAY_ADDRESS", "ray://10.0.0.1:10001")
    with pytest.raises(UserError, match=r"RAY_ADDRESS=ray://10\.0\.0\.1:10001: Ray's client"):
        cluster_address("auto")


def test_auto_without_a_cluster_and_with_one_that_is_no_more_are_lines(
    nothing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(address: str) -> str:
        raise ConnectionError("Could not find any running Ray instance.\nPlease specify")

    monkeypatch.setattr(module.services, "canonicalize_bootstrap_address", none)
    with pytest.raises(UserError, match="--address auto: no Ray runs on this machine; start one"):
        cluster_address("auto")
    monkeypatch.setattr(module.services, "canonicalize_bootstrap_address", lambda address: f"127.0.0.1:{nothing}")
    place = cluster_address("auto")
    assert place is not None
    with pytest.raises(UserError, match=r"--address auto: 127.0.0.1:\d+: no Ray head answers there"):
        place.check()


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def another_service(answer: bytes | None) -> Callable[[], Iterator[int]]:
    """Return what starts a gRPC server that gives an answer to Ray's question, or knows it not."""

    def serve() -> Iterator[int]:
        server = grpc.server(ThreadPoolExecutor(1))
        service, method = ALIVE.strip("/").split("/")
        handler = grpc.unary_unary_rpc_method_handler(lambda request, context: answer)
        if answer is not None:
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield port
        server.stop(None)

    return serve


another_grpc = pytest.fixture(another_service(None), name="another_grpc")
older_ray = pytest.fixture(another_service(b"\n\x00\x12\x061.99.3"), name="older_ray")
same_ray = pytest.fixture(
    another_service(b"\n\x00\x12" + bytes([len(ray.__version__)]) + ray.__version__.encode()), name="same_ray"
)


@pytest.fixture
def silent_socket() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


@pytest.fixture
def nothing() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("web_server", "what listens there is no Ray head"),
        ("silent_socket", "what listens there is no Ray head"),
        ("another_grpc", "what listens there is no Ray head"),
        ("older_ray", f"the cluster runs Ray 1.99.3, this command Ray {ray.__version__}; install the same"),
        ("nothing", "no Ray head answers there"),
    ],
)
def test_where_no_such_head_listens_is_a_line(
    what: str, told: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.5)
    place = cluster_address(f"127.0.0.1:{request.getfixturevalue(what)}")
    assert place is not None
    begun = time.monotonic()
    with pytest.raises(UserError) as refused:
        place.check()
    assert time.monotonic() - begun < 10
    (line,) = refused.value.lines
    assert line.startswith(f"{place.said}: {told}")


def test_a_head_of_this_version_is_taken(same_ray: int) -> None:
    place = cluster_address(f"127.0.0.1:{same_ray}")
    assert place is not None
    place.check()


def test_a_proxy_of_the_environment_is_not_asked(
    same_ray: int, web_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{web_server}")
    place = cluster_address(f"127.0.0.1:{same_ray}")
    assert place is not None
    place.check()


def test_the_two_waits_are_shorter_than_twenty_seconds() -> None:
    assert 2 * module.WAIT_SECONDS < 20


def test_a_name_that_nobody_has_and_ipv6_are_named_as_they_were_given() -> None:
    for text in ("no-such-host.invalid:6379", "[::1]:1"):
        place = cluster_address(text)
        assert place is not None
        with pytest.raises(UserError, match="no Ray head answers there") as refused:
            place.check()
        assert str(refused.value).startswith(f"--address {text}: ")


@pytest.mark.parametrize("text", ["", "ray://127.0.0.1:10001", "127.0.0.1:1", "nowhere"])
def test_a_command_ends_in_that_line_before_any_speech_is_read(
    text: str, refused: Refused, write_toml: Callable[..., Path]
) -> None:
    toml = write_toml(corpus={"kind": "manifest", "path": "not there"})
    assert refused(toml, "--address", text).startswith("--address")


def test_an_address_beside_the_process_grid_takes_no_effect(refused: Refused, write_toml: Callable[..., Path]) -> None:
    told = refused(write_toml(), "--grid", "process", "--address", "auto")
    assert told == "--address auto takes no effect; it goes with --grid ray"
