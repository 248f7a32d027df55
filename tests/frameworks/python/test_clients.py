"""The test clients of frameworks and libraries take a wrapped application for what it is.

They tell WSGI from ASGI by what `inspect` says of the callable, and some make headers in shapes
that no server makes.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import crossgate.asgi
import crossgate.wsgi
import falcon
import falcon.asgi
import falcon.testing
import httpx
import pytest
import webtest
from aiohttp import web
from aiohttp.test_utils import TestClient as AiohttpClient
from aiohttp.test_utils import TestServer
from crossgate.aiohttp import setup
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient as StarletteClient

A, EVIL = "https://app.example.com", "https://evil.example"
ACAO = "access-control-allow-origin"
OPTIONS: Any = {"allow_origins": [A], "allow_methods": ["PUT"]}
PREFLIGHT = {"Access-Control-Request-Method": "PUT"}


class Resource:
    def on_get(self, request: Any, response: Any) -> None:
        response.text = "hello"


class AsyncResource:
    async def on_get(self, request: Any, response: Any) -> None:
        response.text = "hello"


def wsgi() -> Any:
    app = falcon.App()
    app.add_route("/", Resource())
    # Python's own validator, which Falcon's client uses, wants a Content-Type with every status but
    # 204 and 304. A refused preflight has none.
    return crossgate.wsgi.CORSMiddleware(app, denied_preflight_status=204, **OPTIONS)


def asgi() -> Any:
    app = falcon.asgi.App()
    app.add_route("/", AsyncResource())
    return crossgate.asgi.CORSMiddleware(app, **OPTIONS)


def starlette() -> Any:
    async def hello(request: Any) -> PlainTextResponse:
        return PlainTextResponse("hello")

    return crossgate.asgi.CORSMiddleware(Starlette(routes=[Route("/", hello)]), **OPTIONS)


def by_falcon(app: Any) -> Any:
    client = falcon.testing.TestClient(app)

    def ask(method: str, headers: dict[str, str]) -> tuple[int, Any]:
        result = client.simulate_request(method, "/", headers=headers)
        return result.status_code, result.headers

    return ask


def by_webtest(app: Any) -> Any:
    # Checks that the application keeps to PEP 3333.
    client = webtest.TestApp(app, lint=True)

    def ask(method: str, headers: dict[str, str]) -> tuple[int, Any]:
        response = client.request("/", method=method, headers=headers, expect_errors=True)
        return response.status_int, response.headers

    return ask


def by_httpx_wsgi(app: Any) -> Any:
    client = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://x")

    def ask(method: str, headers: dict[str, str]) -> tuple[int, Any]:
        response = client.request(method, "/", headers=headers)
        return response.status_code, response.headers

    return ask


def by_httpx_asgi(app: Any) -> Any:
    def ask(method: str, headers: dict[str, str]) -> tuple[int, Any]:
        async def asked() -> Any:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                return await client.request(method, "/", headers=headers)

        response = asyncio.run(asked())
        return response.status_code, response.headers

    return ask


def by_starlette(app: Any) -> Any:
    client = StarletteClient(app)

    def ask(method: str, headers: dict[str, str]) -> tuple[int, Any]:
        response = client.request(method, "/", headers=headers)
        return response.status_code, response.headers

    return ask


@pytest.mark.parametrize(
    ("make", "by"),
    [
        (wsgi, by_falcon),
        (wsgi, by_webtest),
        (wsgi, by_httpx_wsgi),
        (asgi, by_falcon),
        (asgi, by_httpx_asgi),
        (starlette, by_falcon),
        (starlette, by_httpx_asgi),
        (starlette, by_starlette),
    ],
)
def test_a_client_sees_what_a_browser_sees(make: Any, by: Any) -> None:
    ask = by(make())
    status, headers = ask("GET", {"Origin": A})
    assert (status, headers.get(ACAO)) == (200, A)
    assert ask("GET", {"Origin": EVIL})[1].get(ACAO) is None
    status, headers = ask("OPTIONS", {"Origin": A, **PREFLIGHT})
    assert (status in {200, 204}, headers.get(ACAO)) == (True, A)
    status, headers = ask("OPTIONS", {"Origin": EVIL, **PREFLIGHT})
    assert (status in {204, 400}, headers.get(ACAO)) == (True, None)


def test_aiohttps_client() -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def asked() -> None:
        app = web.Application()
        app.router.add_get("/", hello)
        setup(app, **OPTIONS)
        async with AiohttpClient(TestServer(app)) as client:
            response = await client.get("/", headers={"Origin": A})
            assert response.headers[ACAO] == A
            response = await client.options("/", headers={"Origin": A, **PREFLIGHT})
            assert (response.status, response.headers[ACAO]) == (204, A)

    asyncio.run(asked())


@pytest.mark.parametrize(
    ("made", "parameters"),
    [
        (wsgi, ["environ", "start_response"]),
        (asgi, ["scope", "receive", "send"]),
    ],
)
def test_signatures(made: Any, parameters: list[str]) -> None:
    middleware = made()
    assert list(inspect.signature(middleware).parameters) == parameters
    assert inspect.getfullargspec(middleware).args == parameters
    for public in (type(middleware), crossgate.asgi.install, setup, crossgate.Policy):
        assert inspect.signature(public)
