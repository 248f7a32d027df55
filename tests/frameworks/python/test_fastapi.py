"""FastAPI and Starlette as applications use them, in one process.

Other middlewares stand outside and inside, responses fail half-way, applications are mounted and
have lifespans.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from crossgate.asgi import CORSMiddleware, install
from fastapi import BackgroundTasks, FastAPI, HTTPException, WebSocket
from fastapi.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from fastapi.testclient import TestClient
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

A, EVIL = "https://a.example", "https://evil.example"
ACAO = "access-control-allow-origin"
OPTIONS: dict[str, Any] = {
    "allow_origins": [A],
    "allow_methods": ["GET", "PUT"],
    "allow_credentials": True,
}
PREFLIGHT = {"Origin": A, "Access-Control-Request-Method": "PUT"}


def application(**options: Any) -> FastAPI:
    app = FastAPI(**options)

    @app.get("/data")
    def data(number: int = 0) -> dict[str, int]:
        return {"number": number}

    @app.get("/long")
    def long() -> PlainTextResponse:
        return PlainTextResponse("x" * 5000)

    @app.get("/crash")
    def crash() -> None:
        raise ZeroDivisionError

    @app.get("/moved")
    def moved() -> RedirectResponse:
        return RedirectResponse("/data")

    @app.get("/file")
    def file() -> FileResponse:
        return FileResponse(__file__)

    @app.get("/unchanged")
    def unchanged() -> Response:
        return Response(status_code=304)

    @app.get("/broken")
    def broken() -> StreamingResponse:
        def pieces() -> Iterator[bytes]:
            yield b"begun"
            raise ZeroDivisionError

        return StreamingResponse(pieces())

    @app.get("/task")
    def task(tasks: BackgroundTasks) -> str:
        def fail() -> None:
            raise ZeroDivisionError

        tasks.add_task(fail)
        return "sent"

    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418, "teapot", headers={"Vary": "Cookie"})

    return app


def ask(app: Any, path: str, origin: str | None = A, **headers: str) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if origin is not None:
        given["Origin"] = origin
    return TestClient(app, raise_server_exceptions=False).get(
        path, headers=given, follow_redirects=False
    )


def one(response: Any, name: str) -> str | None:
    """The only line of a header."""
    lines = response.headers.get_list(name)
    assert len(lines) <= 1
    return lines[0] if lines else None


@pytest.fixture(params=["install", "add"])
def app(request: pytest.FixtureRequest) -> FastAPI:
    app = application()
    if request.param == "install":
        install(app, **OPTIONS)
    else:
        app.add_middleware(CORSMiddleware, **OPTIONS)
    app.state.installed = request.param == "install"
    return app


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/data", 200),
        ("/data?number=x", 422),
        ("/moved", 307),
        ("/file", 200),
        ("/unchanged", 304),
        ("/teapot", 418),
        ("/none", 404),
        ("/docs", 200),
        ("/openapi.json", 200),
    ],
)
def test_every_kind_of_response(app: FastAPI, path: str, status: int) -> None:
    for origin in (A, EVIL, None):
        response = ask(app, path, origin)
        assert (response.status_code, one(response, ACAO)) == (status, A if origin == A else None)
        assert one(response, "vary") == ("Cookie, Origin" if path == "/teapot" else "Origin")


def test_ranges_of_files(app: FastAPI) -> None:
    for wanted, status in (("bytes=0-9", 206), ("bytes=99999999-", 416)):
        response = ask(app, "/file", Range=wanted)
        if response.status_code == 200:
            pytest.skip("this Starlette knows no ranges")
        assert (response.status_code, one(response, ACAO)) == (status, A)


def test_methods_that_are_not_allowed(app: FastAPI) -> None:
    response = TestClient(app).post("/data", headers={"Origin": A})
    assert (response.status_code, one(response, ACAO), one(response, "allow")) == (405, A, "GET")


def test_a_stream_that_fails_has_begun_with_its_headers(app: FastAPI) -> None:
    begun = []

    async def outermost(scope: Any, receive: Any, send: Any) -> None:
        async def watched(message: Any) -> None:
            begun.append(message)
            await send(message)

        await app(scope, receive, watched)

    # Alone or in a group, by the version.
    with pytest.raises(Exception) as caught:  # noqa: PT011
        TestClient(outermost).get("/broken", headers={"Origin": A})
    assert "ZeroDivisionError" in repr(caught.value)
    starts = [message for message in begun if message["type"] == "http.response.start"]
    assert [dict(start["headers"])[ACAO.encode()] for start in starts] == [A.encode()]
    assert begun[1]["body"] == b"begun"


def test_a_task_that_fails_changes_nothing(app: FastAPI) -> None:
    response = ask(app, "/task")
    assert (response.status_code, response.json(), one(response, ACAO)) == (200, "sent", A)
    with pytest.raises(ZeroDivisionError):
        TestClient(app).get("/task", headers={"Origin": A})


def test_unhandled_errors_and_their_handler() -> None:
    for handled in (False, True):
        app = application()
        if handled:

            @app.exception_handler(Exception)
            async def handler(request: Any, error: Exception) -> JSONResponse:
                return JSONResponse({"error": type(error).__name__}, 500, {"Vary": "Accept"})

        install(app, **OPTIONS)
        response = ask(app, "/crash")
        assert (response.status_code, one(response, ACAO)) == (500, A)
        assert one(response, "vary") == ("Accept, Origin" if handled else "Origin")
        # The server hears of it as before.
        with pytest.raises(ZeroDivisionError):
            TestClient(app).get("/crash", headers={"Origin": A})


def test_debug_pages() -> None:
    app = application(debug=True)
    install(app, **OPTIONS)
    response = ask(app, "/crash")
    assert (response.status_code, one(response, ACAO)) == (500, A)
    assert "ZeroDivisionError" in response.text


@pytest.mark.parametrize("gzip_is_outside", [True, False])
def test_compressed_responses_vary_by_both(gzip_is_outside: bool) -> None:
    app = application()
    added = [(GZipMiddleware, {"minimum_size": 1000}), (CORSMiddleware, OPTIONS)]
    # The last that is added is outermost.
    for middleware, options in reversed(added) if gzip_is_outside else added:
        app.add_middleware(middleware, **options)
    response = ask(app, "/long", Accept_Encoding="gzip")
    assert (response.headers["content-encoding"], response.text, one(response, ACAO)) == (
        "gzip",
        "x" * 5000,
        A,
    )
    vary = one(response, "vary")
    assert vary is not None
    assert sorted(vary.split(", ")) == ["Accept-Encoding", "Origin"]


def test_middleware_of_functions_inside_and_outside() -> None:
    app = application()

    async def adds(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["X-Seen"] = response.headers.get(ACAO, "nothing yet")
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=adds)
    app.add_middleware(CORSMiddleware, **OPTIONS)
    assert ask(app, "/data").headers["x-seen"] == "nothing yet"
    app = application()
    app.add_middleware(CORSMiddleware, **OPTIONS)
    app.add_middleware(BaseHTTPMiddleware, dispatch=adds)
    assert ask(app, "/data").headers["x-seen"] == A


def test_twice_is_once() -> None:
    """A template and the application add one each: the outer decides, and nothing is doubled."""
    app = application()
    app.add_middleware(CORSMiddleware, allow_origins=[EVIL])
    app.add_middleware(CORSMiddleware, **OPTIONS)
    install(app, **OPTIONS)
    for origin in (A, EVIL, None):
        response = ask(app, "/data", origin)
        assert (one(response, ACAO), one(response, "vary")) == (
            A if origin == A else None,
            "Origin",
        )
    client = TestClient(app)
    assert client.options("/data", headers=PREFLIGHT).status_code == 200
    assert client.options("/data", headers={**PREFLIGHT, "Origin": EVIL}).status_code == 400


def test_install_is_refused_the_second_time_and_changes_nothing() -> None:
    app = application()
    install(app, **OPTIONS)
    with pytest.raises(RuntimeError, match="installed on this application already"):
        install(app, allow_origins=["*"])
    assert one(ask(app, "/data"), ACAO) == A
    late = application()
    ask(late, "/data")
    with pytest.raises(RuntimeError, match="before the application has started"):
        install(late, **OPTIONS)


def test_middleware_that_is_added_after_install_is_inside() -> None:
    app = application()
    install(app, **OPTIONS)

    async def refuses(request: Any, call_next: Any) -> Any:
        return PlainTextResponse("refused", 401)

    app.add_middleware(BaseHTTPMiddleware, dispatch=refuses)
    response = ask(app, "/data")
    assert (response.status_code, one(response, ACAO)) == (401, A)
    # A preflight carries no credentials, so it is answered before.
    assert TestClient(app).options("/data", headers=PREFLIGHT).status_code == 200


def test_lifespans_run(app: FastAPI) -> None:
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
        seen.append("up")
        yield {"of_lifespan": "yes"}
        seen.append("down")

    app.router.lifespan_context = lifespan
    with TestClient(app) as client:
        assert one(client.get("/data", headers={"Origin": A}), ACAO) == A
    assert seen == ["up", "down"]


def with_mounted() -> FastAPI:
    app, inner, public = application(), application(), application()
    install(inner, allow_origins=[EVIL])
    public.add_middleware(CORSMiddleware, allow_origins=["*"])
    app.mount("/inner", inner)
    app.mount("/public", public)
    return app


def test_mounted_applications_decide_about_their_own() -> None:
    app = with_mounted()
    assert one(ask(app, "/inner/crash", EVIL), ACAO) == EVIL
    assert one(ask(app, "/inner/data", A), ACAO) is None
    assert one(ask(app, "/public/data", A), ACAO) == "*"
    assert one(ask(app, "/data", EVIL), ACAO) is None
    answer = TestClient(app).options("/inner/data", headers={**PREFLIGHT, "Origin": EVIL})
    # Its own methods, which have no PUT.
    assert (one(answer, ACAO), one(answer, "access-control-allow-methods")) == (EVIL, "GET")


def test_the_outer_one_has_the_last_word_about_mounted_applications() -> None:
    app = with_mounted()
    install(app, **OPTIONS)
    for path in ("/inner/data", "/public/data", "/inner/none"):
        assert [one(ask(app, path, origin), ACAO) for origin in (A, EVIL)] == [A, None]


def test_websockets_through_the_test_client() -> None:
    app = application()

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    install(app, websocket=True, **OPTIONS)
    client = TestClient(app)
    with client.websocket_connect("/socket", headers={"Origin": A}) as connected:
        assert connected.receive_text() == "hello"
    # Refused with a status where the server can say one, else closed.
    with (
        pytest.raises(Exception) as caught,  # noqa: PT011
        client.websocket_connect("/socket", headers={"Origin": EVIL}),
    ):
        pass
    refused: Any = caught.value
    assert isinstance(refused, WebSocketDisconnect) or refused.status_code == 403


def test_head_and_plain_options(app: FastAPI) -> None:
    client = TestClient(app)
    for response in (
        client.head("/file", headers={"Origin": A}),
        client.options("/data", headers={"Origin": A}),
    ):
        assert (response.status_code, one(response, ACAO)) == (405, A)
    assert (
        one(client.options("/data", headers={"Origin": A}), "vary")
        == "Origin, Access-Control-Request-Method"
    )
