"""The examples of docs/python.md are short and do what is said of them, behind a real server."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import pathlib
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
import wsgiref.simple_server
from collections.abc import Iterator
from typing import Any

import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/python.md"
APP = "https://app.example.com"
PREVIEW = "https://x.preview.example.com"
TENANT = "https://tenant.example.com"
EVIL = "https://evil.example"
ACAO = "Access-Control-Allow-Origin"
SECTIONS = [
    part.split("\n", 1) for part in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
]


def examples(section: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", dict(SECTIONS)[section], re.MULTILINE | re.DOTALL)


def run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/python.md", "exec"), names)
    return names


@contextlib.contextmanager
def wsgi_server(app: Any) -> Iterator[int]:
    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with wsgiref.simple_server.make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(120)


@contextlib.contextmanager
def asgi_server(app: Any) -> Iterator[int]:
    uvicorn = pytest.importorskip("uvicorn")
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until = time.monotonic() + 120
            while not server.started and thread.is_alive() and time.monotonic() < until:
                time.sleep(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(120)


@contextlib.contextmanager
def aiohttp_server(app: Any) -> Iterator[int]:
    from aiohttp import web

    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield runner.addresses[0][1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(120)
        loop.run_until_complete(runner.cleanup())
        loop.close()


def ask(
    port: int, origin: str, path: str = "/", method: str | None = None
) -> http.client.HTTPResponse:
    """A request, or a preflight for one with the method."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    asked = {
        "Origin": origin,
        "Connection": "close",
        **({"Access-Control-Request-Method": method} if method else {}),
    }
    connection.request("OPTIONS" if method else "GET", path, headers=asked)
    response = connection.getresponse()
    with contextlib.closing(connection):
        response.read()
    return response


def allowed(port: int, origin: str, path: str = "/") -> str | None:
    return ask(port, origin, path).getheader(ACAO)


@pytest.mark.parametrize("section", [name for name, _ in SECTIONS])
def test_examples_are_short(section: str) -> None:
    assert examples(section)
    for example in examples(section):
        assert len([line for line in example.splitlines() if line.strip()]) < 10, example


def test_every_section_is_asked() -> None:
    asked = ["FastAPI and Starlette", "Flask", "Django", "WSGI", "aiohttp", "Other frameworks"]
    # Those assert by themselves; the second in test_readme.py.
    assert [name for name, _ in SECTIONS] == [*asked, "Regular expressions", "The policy itself"]


def test_regular_expressions() -> None:
    translated, refused = examples("Regular expressions")
    assert run(translated)["policy"]
    with pytest.raises(AssertionError):
        run(refused.replace("regex_unsupported", "regex_invalid"))
    run(refused)


def test_fastapi_and_starlette() -> None:
    *found, two = (run(example) for example in examples("FastAPI and Starlette"))
    installed, as_middleware, with_predicate = (example["app"] for example in found)
    with asgi_server(installed) as port:
        response = ask(port, APP)
        assert (
            response.getheader(ACAO),
            response.getheader("Access-Control-Allow-Credentials"),
        ) == (APP, "true")
        assert (ask(port, APP, method="PUT").getheader(ACAO), allowed(port, EVIL)) == (APP, None)
    with asgi_server(as_middleware) as port:
        assert (allowed(port, APP), allowed(port, EVIL)) == (APP, None)
    with asgi_server(with_predicate) as port:
        assert (allowed(port, TENANT), allowed(port, EVIL)) == (TENANT, None)
    started: list[str] = []
    two["main"].router.lifespan_context = lifespan(started)
    with asgi_server(two["app"]) as port:
        assert started == ["main"]
        assert [allowed(port, EVIL, path) for path in ("/x", "/public/x")] == [None, "*"]
        assert (allowed(port, APP), allowed(port, APP, "/public/x")) == (APP, "*")


def lifespan(started: list[str]) -> Any:
    @contextlib.asynccontextmanager
    async def events(_: Any) -> Any:
        started.append("main")
        yield

    return events


def test_other_frameworks() -> None:
    (example,) = examples("Other frameworks")
    with asgi_server(run(example)["app"]) as port:
        assert (ask(port, APP).status, allowed(port, APP), allowed(port, EVIL)) == (200, APP, None)


def test_flask() -> None:
    first, second = (run(example)["app"] for example in examples("Flask"))
    with wsgi_server(first) as port:
        assert [allowed(port, origin) for origin in (APP, PREVIEW, EVIL)] == [APP, PREVIEW, None]
    with wsgi_server(second) as port:
        assert [allowed(port, TENANT, path) for path in ("/api/x", "/feed", "/")] == [
            TENANT,
            "*",
            None,
        ]


def test_wsgi() -> None:
    with wsgi_server(run(examples("WSGI")[0])["application"]) as port:
        assert (ask(port, APP).status, allowed(port, APP), allowed(port, EVIL)) == (200, APP, None)


def test_aiohttp() -> None:
    with aiohttp_server(run(examples("aiohttp")[0])["app"]) as port:
        assert (allowed(port, APP), allowed(port, EVIL)) == (APP, None)
        preflight = ask(port, APP, method="PUT")
        assert (preflight.status, preflight.getheader("Access-Control-Max-Age")) == (204, "600")


def test_django(tmp_path: pathlib.Path) -> None:
    """In a process of its own: settings are one's for ever."""
    settings, signal = examples("Django")
    (tmp_path / "example_settings.py").write_text(settings)
    (tmp_path / "example_signal.py").write_text(signal)
    script = f"""
        import sys
        sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
        import django, example_settings
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application
        from django.http import HttpResponse
        from django.urls import path
        from test_python_examples import allowed, wsgi_server
        named = {{name: value for name, value in vars(example_settings).items() if name.isupper()}}
        settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], **named)
        application = get_wsgi_application()
        import example_signal
        urlpatterns = [path("<path:any>", lambda request, any: HttpResponse("x"))]
        with wsgi_server(application) as port:
            for origin in ("{APP}", "{PREVIEW}", "https://a.tenants.example.com"):
                assert allowed(port, origin, "/api/x") == origin, origin
            assert allowed(port, "{EVIL}", "/api/x") is None
            assert allowed(port, "{APP}", "/apix") is None
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
