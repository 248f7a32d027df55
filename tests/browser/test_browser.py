"""What a page in a real Chromium can read of the servers of the demonstration, from an origin that
is allowed, one that is not, and an opaque one; and that the console names the true cause of every
refusal."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import browser
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "demo"))
from demo import LANGUAGES, Server

POLICY = {
    "allow_origins": ["http://localhost:*"],
    "allow_methods": ["PUT", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type"],
    "expose_headers": ["Date"],
    "allow_credentials": True,
    "max_age": 7200,
}
NO_HEADER = "No 'Access-Control-Allow-Origin' header is present on the requested resource."
PREFLIGHT = "Response to preflight request doesn't pass access control check: "
READABLE = {
    "content-length",
    "content-type",
    "date",
}  # `date` because it is exposed, the others always

# Path, RequestInit, whether it is preflighted, and what an allowed page sees: a status, or the
# console's text.
CASES: dict[str, tuple[str, dict[str, Any], bool, int | str]] = {
    "GET": ("/data", {}, False, 200),
    "GET with credentials": ("/data", {"credentials": "include"}, False, 200),
    "HEAD": ("/data", {"method": "HEAD"}, False, 200),
    "simple POST": ("/data", {"method": "POST", "body": "x"}, False, 200),
    "an error": ("/error", {}, False, 500),
    "not found": ("/nowhere", {"credentials": "include"}, False, 404),
    "an application with headers of its own": ("/upstream", {"credentials": "include"}, False, 200),
    "PUT of JSON with a token": (
        "/data",
        {
            "method": "PUT",
            "credentials": "include",
            "headers": {"Authorization": "Bearer x", "Content-Type": "application/json"},
            "body": "{}",
        },
        True,
        200,
    ),
    "DELETE": ("/data", {"method": "delete"}, True, 200),
    "PATCH": (
        "/data",
        {"method": "PATCH"},
        True,
        "Method PATCH is not allowed by Access-Control-Allow-Methods in preflight response.",
    ),
    "a header that is not listed": (
        "/data",
        {"method": "PUT", "headers": {"X-Evil": "1"}},
        True,
        "Request header field x-evil is not allowed by Access-Control-Allow-Headers "
        "in preflight response.",
    ),
}
Seen = tuple[dict[str, dict[str, Any]], list[str], dict[str, int]]


def url(port: int, frame: str, name: str) -> str:
    # Each fetch has a URL of its own, so that no other one's preflight answers for it and the
    # console tells them apart.
    return f"http://127.0.0.1:{port}{CASES[name][0]}?{frame}-{list(CASES).index(name)}"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("browser")
    policy = folder / "policy.json"
    policy.write_text(json.dumps(POLICY))
    with contextlib.ExitStack() as running:
        servers = []
        for language in LANGUAGES:
            servers.append(Server(language, policy))
            running.callback(servers[-1].stop)
        for server in servers:
            server.wait()
        ports = {server.language: server.port for server in servers}
        cases = {
            frame: [
                {"url": url(port, frame, name), "init": init}
                for port in ports.values()
                for name, (_, init, _, _) in CASES.items()
            ]
            for frame in browser.FRAMES
        }
        yield *browser.look(cases, folder), ports


def refusals(console: list[str], address: str) -> list[str]:
    return [
        line.split("blocked by CORS policy: ", 1)[1]
        for line in console
        if f"at '{address}' " in line
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_an_allowed_page(seen: Seen, language: str, name: str) -> None:
    frames, console, ports = seen
    address = url(ports[language], "allowed", name)
    result, expected = frames["allowed"][address], CASES[name][3]
    if isinstance(expected, str):
        assert (result, refusals(console, address)) == ({"error": "TypeError"}, [expected])
        return
    assert (result.get("status"), refusals(console, address)) == (expected, [])
    assert set(result["headers"]) == READABLE
    assert bool(result["body"]) == (name != "HEAD")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("frame", ["denied", "opaque"])
def test_other_pages_see_nothing(seen: Seen, language: str, name: str, frame: str) -> None:
    frames, console, ports = seen
    address = url(ports[language], frame, name)
    assert frames[frame][address] == {"error": "TypeError"}
    assert refusals(console, address) == [(PREFLIGHT if CASES[name][2] else "") + NO_HEADER]
