"""What an application says of CORS itself: the vectors of responses, through the middlewares."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import flask
import pytest
from asgi_calls import application, run, scope
from crossgate import Policy
from crossgate._crossgate import Responder
from crossgate.asgi import CORSMiddleware
from crossgate.flask import CORS
from crossgate.wsgi import CORSMiddleware as WSGIMiddleware
from decision_vectors import VECTORS
from test_responder import environ

ALL = [json.loads(line) for line in (VECTORS / "responses.jsonl").read_text().splitlines()]


def reaches_the_application(vector: dict[str, Any]) -> bool:
    names = {name.lower() for name, _ in vector["request"]["headers"]}
    return "access-control-request-method" not in names


CASES = [vector for vector in ALL if reaches_the_application(vector)]
BY_ID = pytest.mark.parametrize("vector", CASES, ids=[vector["id"] for vector in CASES])


def pairs(lines: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, value in lines]


def by_name(lines: Any) -> list[tuple[str, str]]:
    """Names in lower case and in order; lines of one name stay in their order."""
    return sorted(((name.lower(), value) for name, value in lines), key=lambda pair: pair[0])


def test_there_are_enough() -> None:
    kept = [vector for vector in CASES if vector["policy"].get("upstream") == "keep_public"]
    assert len(kept) > 20


def as_bytes(lines: Any) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]


@BY_ID
def test_asgi(vector: dict[str, Any]) -> None:
    request = vector["request"]
    app = application(as_bytes(vector["response"]))
    middleware = CORSMiddleware(app, policy=Policy(**vector["policy"]))
    asked = scope(*as_bytes(request["headers"]), method=request["method"])
    for _ in range(2):
        headers = run(middleware, asked)[0]["headers"]
        found = by_name(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers
        )
        assert found == pairs(vector["expect"])


@BY_ID
def test_wsgi(vector: dict[str, Any]) -> None:
    started: list[Any] = []

    def app(_: Any, start: Any) -> list[bytes]:
        start("200 OK", pairs(vector["response"]))
        return []

    middleware = WSGIMiddleware(app, policy=Policy(**vector["policy"]))
    list(middleware(environ(vector["request"]), lambda *call: started.append(call)))
    assert by_name(started[0][1]) == pairs(vector["expect"])


@BY_ID
def test_the_dict_of_django(vector: dict[str, Any]) -> None:
    names = [name for name, _ in vector["response"]]
    if len(set(names)) != len(names):
        pytest.skip("the dict holds one line of a name")
    answer = Responder(Policy(**vector["policy"]), lower=True).begin(environ(vector["request"]))
    store = {name: (name.title(), value) for name, value in vector["response"]}
    answer.write(store)
    assert by_name(store.values()) == pairs(vector["expect"])


@BY_ID
def test_flask(vector: dict[str, Any]) -> None:
    app = flask.Flask("application")
    CORS(app, policy=Policy(**vector["policy"]))

    @app.route("/", methods=["GET", "OPTIONS"], provide_automatic_options=False)
    def view() -> flask.Response:
        response = flask.Response()
        del response.headers["content-type"]
        for name, value in vector["response"]:
            response.headers.add(name, value)
        return response

    request = vector["request"]
    headers = pairs(request["headers"])
    answer = app.test_client().open("/", method=request["method"], headers=headers)
    found = [line for line in by_name(answer.headers) if line[0] != "content-length"]
    assert found == pairs(vector["expect"])


def test_aiohttp() -> None:
    web = pytest.importorskip("aiohttp.web")
    import aiohttp
    from crossgate.aiohttp import setup

    async def ask(vector: dict[str, Any]) -> list[tuple[str, str]]:
        async def handler(_: Any) -> Any:
            response = web.Response()
            for name, value in vector["response"]:
                if name != "content-type":
                    response.headers.add(name, value)
            return response

        app = web.Application()
        app.router.add_route("*", "/", handler)
        setup(app, policy=Policy(**vector["policy"]))
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        request = vector["request"]
        async with aiohttp.ClientSession() as session:
            answer = await session.request(
                request["method"], f"http://127.0.0.1:{port}/", headers=pairs(request["headers"])
            )
            found = [(name.lower(), value) for name, value in answer.headers.items()]
        await runner.cleanup()
        return by_name(
            line for line in found if line[0] == "vary" or line[0].startswith("access-control-")
        )

    for vector in CASES:
        expected = [line for line in pairs(vector["expect"]) if line[0] != "content-type"]
        assert asyncio.run(ask(vector)) == expected, vector["id"]
