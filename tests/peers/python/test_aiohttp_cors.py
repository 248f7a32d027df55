"""aiohttp-cors and crossgate.aiohttp in front of the same routes, on aiohttp's own server.

Every difference has its entry.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import aiohttp_cors
import pytest
from aiohttp import web
from asked import preflight
from compare import Comparison, Reply, Request, Seen
from crossgate.aiohttp import setup

A, B, EVIL = "https://a.example.com", "https://b.example.com", "https://evil.com"


async def data(request: web.Request) -> web.Response:
    return web.Response(text="data")


async def own(request: web.Request) -> web.Response:
    """A handler with an opinion."""
    return web.Response(text="own", headers={"Access-Control-Allow-Origin": "*"})


async def varies(request: web.Request) -> web.Response:
    return web.Response(text="varies", headers={"Vary": "Accept-Encoding"})


async def refused(request: web.Request) -> web.Response:
    raise web.HTTPGone


ROUTES = {"/data": ("GET", "PUT"), "/own": ("GET",), "/varies": ("GET",), "/refused": ("GET",)}
HANDLERS = {"/data": data, "/own": own, "/varies": varies, "/refused": refused}

DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    "one": {A: {}},
    "two": {A: {"allow_headers": ["X-Token"]}, B: {"allow_headers": ["X-Token"]}},
    "credentials": {A: {"allow_credentials": True, "expose_headers": ["X-B"], "max_age": 5}},
    "any": {"*": {}},
    "any, all": {"*": {"allow_headers": "*", "expose_headers": ["X-B"], "max_age": 0}},
    "all, credentials": {A: {"allow_headers": "*", "allow_credentials": True}},
    "methods": {A: {"allow_methods": ["PUT"], "max_age": 60}},
    "all methods": {A: {"allow_methods": "*"}},
    "every header exposed": {A: {"expose_headers": "*"}},
    "null": {A: {}, "null": {}},
    # Refused by ours.
    "any, credentials": {"*": {"allow_credentials": True}},
    "any and more": {A: {}, "*": {}},
    "two kinds": {A: {"allow_credentials": True}, B: {}},
    "http, credentials": {"http://a.example.com": {"allow_credentials": True}},
    "slash": {f"{A}/": {}},
    "no scheme": {"a.example.com": {}},
    "bad header": {A: {"allow_headers": ["x:y"]}},
    "exposed, credentials": {A: {"expose_headers": "*", "allow_credentials": True}},
    "nobody": {},
}
REFUSED = {
    "any, credentials": "any-with-credentials",
    "http, credentials": "insecure-with-credentials",
    "two kinds": "options-by-origin",
    "exposed, credentials": "expose-any-with-credentials",
}


def requests() -> list[Request]:
    def get(path: str, origin: str | None = None, method: str = "GET") -> Request:
        return Request(method, path, (("Origin", origin),) if origin is not None else ())

    found = [
        get("/data", origin)
        for origin in (A, B, EVIL, "null", f"{A}/", "HTTPS://A.EXAMPLE.COM", "", None)
    ]
    found += [get("/data", A, method) for method in ("HEAD", "PUT", "POST", "OPTIONS")] + [
        get("/data", None, "OPTIONS")
    ]
    found += [
        get(path, origin)
        for path in ("/own", "/varies", "/refused", "/none")
        for origin in (A, EVIL, None)
    ]
    found += [
        preflight(origin, method, path="/data")
        for origin in (A, EVIL, "null")
        for method in ("GET", "PUT", "put")
    ]
    lists = [
        "x-token",
        "X-TOKEN , content-type",
        "x-other",
        "authorization",
        "x-token,,",
        "",
        "a b",
    ]
    found += [preflight(A, "PUT", names, path="/data") for names in lists]
    found += [
        preflight(A, "DELETE", path="/data"),
        preflight(A, "", path="/data"),
        preflight(None, "PUT", path="/data"),
        preflight(A, "GET", path="/none"),
    ]
    return found


def application() -> web.Application:
    app = web.Application()
    for path, methods in ROUTES.items():
        for method in methods:
            app.router.add_route(method, path, HANDLERS[path])
    return app


def peer(defaults: dict[str, Any]) -> web.Application:
    app = application()
    cors = aiohttp_cors.setup(
        app,
        defaults={
            origin: aiohttp_cors.ResourceOptions(**options) for origin, options in defaults.items()
        },
    )
    for route in list(app.router.routes()):
        cors.add(route)
    return app


def ours(defaults: dict[str, Any]) -> web.Application:
    app = application()
    setup(
        app,
        defaults={
            origin: aiohttp_cors.ResourceOptions(**options) for origin, options in defaults.items()
        },
    )
    return app


async def replies(app: web.Application, asked: list[Request]) -> list[Reply]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found: list[Reply] = []
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        for request in asked:
            try:
                async with session.request(
                    request.method, request.path, headers=request.headers
                ) as response:
                    body = await response.read()
                    found.append(Reply(response.status, tuple(response.headers.items()), body))
            except aiohttp.ClientError as error:
                found.append(Reply(error=repr(error)))
    await runner.cleanup()
    return found


def classify(seen: Seen) -> str | None:
    request, field = seen.request, seen.field
    if field == "error":
        crashed = request.path == "/own" and not seen.ours.error
        return (
            "own-headers-crash"
            if crashed
            else REFUSED.get(seen.options, "configuration-that-never-matches")
        )
    if request.method == "OPTIONS" and not request.is_preflight:
        return "plain-options"
    if request.path == "/none":
        return "every-route"
    if field == "vary":
        return "vary"
    if not request.is_preflight:
        return classify_actual(seen)
    if seen.peer.status == 403:
        if seen.ours.status == 403:
            return "denied-body" if field in {"body", "content-length", "content-type"} else None
        return "methods-of-every-route" if request.acrm == "DELETE" else "denied-method-or-header"
    if field == "access-control-allow-origin":
        return "any-origin-is-one-answer" if seen.our == "*" else None
    if field == "access-control-allow-headers":
        everything = any(
            options.get("allow_headers") == "*" for options in DEFAULTS[seen.options].values()
        )
        return "any-header" if everything else "whole-lists"
    return "whole-lists" if field == "access-control-allow-methods" else None


def classify_actual(seen: Seen) -> str | None:
    request, field = seen.request, seen.field
    if field == "allow":
        return "no-options-routes"
    if request.path == "/own" and request.origin == EVIL and "*" not in DEFAULTS[seen.options]:
        return "own-headers-leak"
    if seen.peer.status == 405 and field.startswith("access-control-"):
        return "every-route"
    if "*" in DEFAULTS[seen.options] and (
        request.origin is None or field == "access-control-allow-origin"
    ):
        return "any-origin-is-one-answer"
    if field == "access-control-expose-headers" and seen.our == "*":
        return "expose-any"
    if request.path == "/own" and field == "access-control-allow-origin" and seen.theirs == "*":
        return "own-headers-leak"
    return None


@pytest.mark.filterwarnings("ignore")
def test_every_difference_is_explained() -> None:
    comparison = Comparison("aiohttp-cors", classify)
    asked = requests()

    async def compare() -> None:
        for name, defaults in DEFAULTS.items():
            theirs = await replies(peer(defaults), asked)
            try:
                app = ours(defaults)
            except (ValueError, TypeError) as error:
                comparison.add(name, asked[0], theirs[0], Reply(error=str(error)))
                continue
            for request, one, other in zip(asked, theirs, await replies(app, asked), strict=True):
                comparison.add(name, request, one, other)

    asyncio.run(asyncio.wait_for(compare(), 100))
    comparison.check(least=300)


def test_what_is_allowed_is_allowed_by_both() -> None:
    """So that the comparison is not one of refusals."""
    asked = [
        preflight(A, "PUT", "x-token", path="/data"),
        Request("GET", "/data", (("Origin", A),)),
    ]
    for app in (peer(DEFAULTS["two"]), ours(DEFAULTS["two"])):
        for reply in asyncio.run(replies(app, asked)):
            assert (reply.status, reply.get("access-control-allow-origin")) == (200, A)
