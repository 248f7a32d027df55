"""FastAPI and Starlette behind uvicorn and hypercorn, in current and in the oldest versions."""

from __future__ import annotations

import base64
import http.client
import pathlib
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

HERE = pathlib.Path(__file__).parent
OLDEST = HERE.parents[2] / "build/venv-oldest-asgi/bin/python"
A, EVIL = "https://a.example", "https://evil.example"
ACAO, ACAC, ACEH = (
    f"Access-Control-{name}" for name in ("Allow-Origin", "Allow-Credentials", "Expose-Headers")
)


class Server:
    def __init__(self, name: str, port: int, outermost: bool) -> None:
        self.name = name
        self.port = port
        self.outermost = outermost
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(
        self, path: str, origin: str | None = A, method: str = "GET", **headers: str
    ) -> http.client.HTTPResponse:
        """Asks on one connection that is kept alive."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if origin is not None:
            sent["Origin"] = origin
        self.connection.request(method, path, headers=sent)
        response = self.connection.getresponse()
        response.text = response.read()  # type: ignore[attr-defined]
        return response


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((python, server, how), id=f"{version}-{server}-{how}")
        for version, python in (("current", sys.executable), ("oldest", OLDEST))
        for server in ("uvicorn", "hypercorn")
        for how in ("install", "add", "wrap")
    ],
)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    python, name, how = request.param
    command = [str(python), str(HERE / "asgi_server.py"), name, how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True)
    reader.start()
    # What a crash prints must not fill the pipe.
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    try:
        port = lines.get(timeout=120)
        assert port.strip(), process.stderr.read()
        drain.start()
        yield Server(name, int(port), how != "add")
    finally:
        process.kill()
        process.wait(120)


def test_actual(server: Server) -> None:
    response = server.ask("/data")
    assert (response.status, response.text) == (200, b'{"ok":true}')
    assert (response.headers.get_all(ACAO), response.headers[ACAC], response.headers[ACEH]) == (
        [A],
        "true",
        "X-B",
    )
    assert response.headers.get_all("Vary") == ["Origin"]


def test_denied_and_no_origin(server: Server) -> None:
    for origin in (EVIL, "null", None):
        response = server.ask("/data", origin)
        assert (response.status, response.headers[ACAO], response.headers["Vary"]) == (
            200,
            None,
            "Origin",
        )


def test_head(server: Server) -> None:
    response = server.ask("/data", method="HEAD")
    assert (response.status, response.headers[ACAO], response.text) == (200, A, b"")


def test_preflights(server: Server) -> None:
    asked = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-token"}
    for path in ("/data", "/none", "/static/file"):
        response = server.ask(path, method="OPTIONS", **asked)
        assert (response.status, response.text, response.headers["Content-Length"]) == (
            200,
            b"",
            "0",
        )
        assert response.headers["Access-Control-Allow-Methods"] == "GET, PUT"
        denied = server.ask(path, EVIL, "OPTIONS", **asked)
        assert (denied.status, denied.headers[ACAO], denied.headers["Content-Length"]) == (
            400,
            None,
            "0",
        )
    # Without a requested method it is the application's.
    assert server.ask("/data", method="OPTIONS").status == 405


@pytest.mark.parametrize(
    ("path", "status"), [("/none", 404), ("/refused", 418), ("/stream", 200), ("/static/file", 200)]
)
def test_every_response(server: Server, path: str, status: int) -> None:
    response = server.ask(path)
    assert (response.status, response.headers.get_all(ACAO)) == (status, [A])


def test_unhandled_errors(server: Server) -> None:
    response = server.ask("/crash")
    # Starlette's own place for middlewares is inside of its handler of errors.
    assert (response.status, response.headers[ACAO]) == (500, A if server.outermost else None)
    server.connection.close()


def test_streams_and_background_tasks(server: Server) -> None:
    assert server.ask("/stream").text == b"ab"
    # The task runs once the response is sent, on a thread of its own: the next requests may be
    # answered before it.
    first = server.ask("/background")
    assert first.headers[ACAO] == A
    deadline = time.monotonic() + 120
    while server.ask("/background").text == first.text:
        assert time.monotonic() < deadline, "the background task did not run"


def test_what_the_handler_set(server: Server) -> None:
    response = server.ask("/own")
    assert (response.headers.get_all(ACAO), response.headers.get_all("Vary")) == (
        [A],
        ["Accept, Origin"],
    )
    assert response.headers.get_all(ACEH) == ["X-Own, X-B"]
    assert server.ask("/own", EVIL).headers[ACAO] is None


def test_a_mounted_application_with_its_own_middleware(server: Server) -> None:
    assert server.ask("/inner/file").headers.get_all(ACAO) == [A]
    assert server.ask("/inner/file", EVIL).headers[ACAO] is None


def test_the_connection_is_kept(server: Server) -> None:
    server.ask("/data")
    kept = server.connection.sock
    asked = {"Access_Control_Request_Method": "PUT"}
    for method, more in (
        ("OPTIONS", asked),
        ("GET", {}),
        ("OPTIONS", asked),
        ("HEAD", {}),
        ("GET", {}),
    ):
        server.ask("/data", method=method, **more)
        assert server.connection.sock is kept


@pytest.mark.parametrize(("origin", "status"), [(A, 101), (EVIL, 403), (None, 101)])
def test_websockets(server: Server, origin: str | None, status: int) -> None:
    lines = [
        "GET /socket HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        *([f"Origin: {origin}"] if origin else []),
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = client.recv(4096).decode("latin-1")
    assert int(answer.split()[1]) == status
    assert ACAO.lower() not in answer.lower()


def test_hostile_requests(server: Server) -> None:
    """Raw requests that browsers do not send: always an answer, never one that allows."""
    hostile = [
        b"Origin: \xff\xfe\r\n",
        b"Origin: https://a.example, https://evil.example\r\n",
        b"Origin: https://a.example\r\nOrigin: https://evil.example\r\n",
        b"Origin:\r\n",
        b"Origin: " + b"x" * 8000 + b"\r\n",
    ]
    for headers in hostile:
        with socket.create_connection(("127.0.0.1", server.port), timeout=120) as client:
            client.sendall(
                b"GET /data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + headers
                + b"\r\n"
            )
            answer = b""
            while chunk := client.recv(65536):
                answer += chunk
        assert answer.split()[1] in {b"200", b"400", b"431"}, answer
        assert b"access-control-allow-origin" not in answer.lower()
