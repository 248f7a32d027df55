"""Flask, Django and a plain WSGI application behind real servers, over persistent connections."""

from __future__ import annotations

import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

HERE = pathlib.Path(__file__).parent
A, B, EVIL = "https://a.example.com", "https://b.example.com", "https://evil.com"

GUNICORN = ["-m", "gunicorn", "--bind=fd://{fd}", "--workers=1", "--log-level=error"]
UVICORN = ["-m", "uvicorn", "--fd={fd}", "--log-level=critical", "--lifespan=off"]
HYPERCORN = ["-m", "hypercorn", "--bind=fd://{fd}", "--log-level=critical"]
SERVERS = {
    "gunicorn-sync-flask": [*GUNICORN, "sites:flask_app"],
    "gunicorn-gthread-flask": [
        *GUNICORN,
        "--worker-class=gthread",
        "--threads=2",
        "sites:flask_app",
    ],
    "gunicorn-gthread-django": [
        *GUNICORN,
        "--worker-class=gthread",
        "--threads=2",
        "sites:django_wsgi",
    ],
    "gunicorn-sync-wsgi": [*GUNICORN, "sites:wsgi_app"],
    "uvicorn-django": [*UVICORN, "sites:django_asgi"],
    "hypercorn-django": [*HYPERCORN, "sites:django_asgi"],
}


class Site:
    """A server, asked over one connection for as long as it keeps that open."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(
        self, method: str, path: str, origin: str | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if origin is not None:
            given["Origin"] = origin
        self.connection.request(method, path, headers=given)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()


@pytest.fixture(scope="module", params=SERVERS)
def site(request: Any) -> Iterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        number = listening.fileno()
        command = [sys.executable, *(part.format(fd=number) for part in SERVERS[request.param])]
        environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"}
        server = subprocess.Popen(command, cwd=HERE, pass_fds=[number], env=environment)
        try:
            # Connections wait in the queue of the socket until the server takes them.
            found = Site(request.param, listening.getsockname()[1])
            found.ask("GET", "/data")
            yield found
            found.connection.close()
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(10)


def values(headers: http.client.HTTPMessage, name: str) -> list[str]:
    return headers.get_all(name, [])


def test_allowed(site: Site) -> None:
    status, headers, body = site.ask("GET", "/data", A)
    assert (status, body) == (200, b"data")
    assert values(headers, "Access-Control-Allow-Origin") == [A]
    assert values(headers, "Access-Control-Allow-Credentials") == ["true"]
    assert values(headers, "Access-Control-Expose-Headers") == ["X-Own"]
    assert values(headers, "Vary") == ["Origin"]


@pytest.mark.parametrize("origin", [None, EVIL, "null", f"{A}.evil.com", "x" * 4000, "\u00e9"])
def test_denied(site: Site, origin: str | None) -> None:
    status, headers, body = site.ask("GET", "/data", origin)
    assert (status, body) == (200, b"data")
    assert [name for name in headers if name.lower().startswith("access-control")] == []
    assert values(headers, "Vary") == ["Origin"]


def test_preflight(site: Site) -> None:
    asked = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-token"}
    for origin in (A, EVIL):
        status, headers, body = site.ask("OPTIONS", "/data", origin, **asked)
        assert (status, body) == (200, b"")
        found = {name.lower(): value for name, value in headers.items()}
        for name in ("date", "server", "connection"):
            found.pop(name, None)
        granted = {
            "access-control-allow-origin": A,
            "access-control-allow-credentials": "true",
            "access-control-allow-methods": "PUT",
            "access-control-allow-headers": "X-Token",
            "access-control-max-age": "60",
        }
        everybody = {"vary": "Origin, Access-Control-Request-Method", "content-length": "0"}
        assert found == {**(granted if origin == A else {}), **everybody}


@pytest.mark.parametrize(("path", "expected"), [("/boom", 500), ("/nope", 404)])
def test_error_pages(site: Site, path: str, expected: int) -> None:
    status, headers, _ = site.ask("GET", path, A)
    assert status == expected
    assert values(headers, "Access-Control-Allow-Origin") == [A]
    assert values(headers, "Vary") == ["Origin"]


def test_streams(site: Site) -> None:
    status, headers, body = site.ask("GET", "/stream", A)
    assert (status, body) == (200, b"one,two,three")
    assert values(headers, "Access-Control-Allow-Origin") == [A]


def test_a_handler_s_own_headers(site: Site) -> None:
    _, headers, _ = site.ask("GET", "/own", A)
    assert values(headers, "Access-Control-Allow-Origin") == [A]
    assert values(headers, "Vary") == ["Accept-Encoding, Origin"]
    _, headers, _ = site.ask("GET", "/own", EVIL)
    assert values(headers, "Access-Control-Allow-Origin") == []


def test_head(site: Site) -> None:
    status, headers, body = site.ask("HEAD", "/data", A)
    assert (status, body) == (200, b"")
    assert values(headers, "Access-Control-Allow-Origin") == [A]
    # gunicorn 20 sends what Django leaves it to leave out.
    site.connection.close()


def test_a_connection_serves_many(site: Site) -> None:
    for _ in range(20):
        for origin, found in ((A, [A]), (EVIL, [])):
            _, headers, body = site.ask("GET", "/data", origin)
            assert (values(headers, "Access-Control-Allow-Origin"), body) == (found, b"data")
            status, _, body = site.ask(
                "OPTIONS", "/data", origin, Access_Control_Request_Method="PUT"
            )
            assert (status, body) == (200, b"")


def test_a_site_s_own_policies(site: Site) -> None:
    if "flask" not in site.name:
        pytest.skip("views and blueprints with options of their own are Flask's")
    for path, expected in (("/view", 403), ("/part/item", 200)):
        status, headers, _ = site.ask("GET", path, B)
        assert (status, values(headers, "Access-Control-Allow-Origin")) == (expected, [B])
        _, headers, _ = site.ask("OPTIONS", path, B, Access_Control_Request_Method="GET")
        assert values(headers, "Access-Control-Allow-Origin") == [B]
        assert values(site.ask("GET", path, A)[1], "Access-Control-Allow-Origin") == []
