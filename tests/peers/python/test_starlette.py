"""Starlette's CORSMiddleware and ours around one application. Every difference has its entry."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from compare import Comparison, Reply, Request, Seen
from crossgate.asgi import CORSMiddleware as Ours
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware as Peer
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

A, B, EVIL = "https://a.example.com", "https://b.example.com", "https://evil.com"
ACRM, ACRH, ACRPN = (
    f"Access-Control-Request-{name}" for name in ("Method", "Headers", "Private-Network")
)
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]


async def data(request: Any) -> Response:
    return PlainTextResponse("data")


async def own(request: Any) -> Response:
    """A handler with an opinion."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "X-Own",
        "Vary": "Accept-Encoding",
    }
    return PlainTextResponse("own", headers=headers)


async def varies(request: Any) -> Response:
    return PlainTextResponse(
        "varies", headers={"Vary": request.url.path.rpartition("/")[2].replace("star", "*")}
    )


async def stream(request: Any) -> Response:
    return StreamingResponse(iter([b"a", b"b"]))


async def refused(request: Any) -> Response:
    raise HTTPException(418, "refused")


APP = Starlette(
    routes=[
        Route("/data", data, methods=METHODS),
        Route("/own", own),
        Route("/varies/{what}", varies),
        Route("/stream", stream),
        Route("/refused", refused),
    ]
)

OPTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "one": {"allow_origins": [A]},
    "two": {"allow_origins": [A, B], "allow_methods": ["GET", "PUT"], "allow_headers": ["X-Token"]},
    "credentials": {
        "allow_origins": [A, B],
        "allow_credentials": True,
        "expose_headers": ["X-B", "X-C"],
        "max_age": 5,
    },
    "any": {"allow_origins": ["*"], "expose_headers": ["X-B"]},
    "any text": {"allow_origins": "*"},
    "any, all": {"allow_origins": ["*"], "allow_methods": ["*"], "allow_headers": ["*"]},
    "all, credentials": {
        "allow_origins": [A],
        "allow_methods": "*",
        "allow_headers": "*",
        "allow_credentials": True,
    },
    "no age": {"allow_origins": [A], "max_age": 0},
    "regex": {"allow_origin_regex": r"https://.*\.example\.com", "allow_methods": ["POST"]},
    "regex or list": {"allow_origins": [EVIL], "allow_origin_regex": r"https://[ab]\.example\.com"},
    "look-ahead": {"allow_origin_regex": r"https://(?!b)[a-z]+\.example\.com"},
    "private network": {"allow_origins": [A], "allow_private_network": True},
    "lower case": {
        "allow_origins": [A],
        "allow_methods": ["put"],
        "allow_headers": ["content-type", "x-token"],
    },
    # Refused by ours.
    "any, credentials": {"allow_origins": ["*"], "allow_credentials": True},
    "text": {"allow_origins": A},
    "methods text": {"allow_origins": [A], "allow_methods": "GET, PUT"},
    "slash": {"allow_origins": [f"{A}/"]},
    "path": {"allow_origins": [f"{A}/app"]},
    "no scheme": {"allow_origins": ["a.example.com"]},
    "any and more": {"allow_origins": [A, "*"]},
    "null": {"allow_origins": ["null"]},
    "broad, credentials": {"allow_origin_regex": "https://.*", "allow_credentials": True},
    "http, credentials": {"allow_origins": ["http://a.example.com"], "allow_credentials": True},
    "negative age": {"allow_origins": [A], "max_age": -1},
    "bad method": {"allow_origins": [A], "allow_methods": ["A B"]},
    "bad header": {"allow_origins": [A], "allow_headers": ["x:y"]},
}  # fmt: skip
REFUSED = {
    "any, credentials": "any-with-credentials",
    "broad, credentials": "regex-too-broad",
    "http, credentials": "insecure-with-credentials",
    "text": "text-for-a-list",
    "methods text": "text-for-a-list",
}


def preflight(origin: str, method: str = "PUT", *more: tuple[str, str]) -> Request:
    return Request("OPTIONS", "/data", (("Origin", origin), (ACRM, method), *more))


def requests() -> list[Request]:
    origins = [
        A,
        B,
        EVIL,
        "null",
        f"{A}.evil.com",
        f"{A}/",
        "HTTPS://A.EXAMPLE.COM",
        "",
        "https://evil.com/.example.com",
    ]
    found = [Request("GET", "/data", (("Origin", origin),)) for origin in origins]
    found += [Request(method, "/data") for method in METHODS]
    found += [Request(method, "/data", (("Origin", A),)) for method in METHODS[1:]]
    paths = [
        "/own",
        "/varies/Origin",
        "/varies/star",
        "/varies/Accept",
        "/stream",
        "/refused",
        "/none",
    ]
    found += [
        Request("GET", path, head)
        for path in paths
        for head in ((("Origin", A),), (("Origin", EVIL),), ())
    ]
    found += [
        preflight(origin, method)
        for origin in (A, EVIL, "null")
        for method in ("GET", "PUT", "put", "POST", "")
    ]
    lists = [
        "x-token",
        "X-TOKEN , content-type",
        "x-other",
        "authorization",
        "x-token,,",
        "",
        "a b",
        "x-token\t",
    ]
    found += [preflight(A, "GET", (ACRH, names)) for names in lists]
    found += [
        preflight(A, "GET", (ACRH, "x-token"), (ACRH, "x-other")),
        preflight(A, "GET", (ACRPN, "true")),
        preflight(A, "GET", (ACRPN, "false")),
        preflight(EVIL, "GET", (ACRPN, "true")),
        Request("GET", "/data", (("Origin", A), ("Origin", EVIL))),
        Request("GET", "/data", (("Origin", f" {A} "),)),
        Request("OPTIONS", "/data", ((ACRM, "PUT"),)),
        Request("OPTIONS", "/none", (("Origin", A), (ACRM, "GET"))),
    ]
    return found


def ask(app: Any, request: Request) -> Reply:
    sent: list[Any] = []
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers]
    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers,
    }

    async def receive() -> Any:
        # A stream waits for the client to leave; it stays.
        return await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    got = tuple(
        (name.decode().lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]
    )
    return Reply(sent[0]["status"], got, b"".join(message.get("body", b"") for message in sent[1:]))


def classify(seen: Seen) -> str | None:
    options, request, field = OPTIONS[seen.options], seen.request, seen.field
    if field == "error":
        return REFUSED.get(seen.options, "configuration-that-never-matches")
    everybody = "*" in options.get("allow_origins", ())
    granted = seen.ours.get("access-control-allow-origin") is not None
    names = [value for key, value in request.headers if key == ACRH]
    if request.is_preflight:
        if field in {"body", "content-type", "content-length"}:
            return "preflight-body"
        if field == "vary":
            return "preflight-vary"
        if not granted and field.startswith("access-control-") and seen.our is None:
            return "nothing-for-denied-origins"
        if field == "status" and (seen.peer.status, seen.ours.status) == (400, 200):
            if request.get(ACRPN.lower()) is not None:
                return "private-network"
            if request.acrm in {"GET", "HEAD", "POST"} and request.acrm not in options.get(
                "allow_methods", ("GET",)
            ):
                return "safelisted-methods"
            if any(",," in line or not line for line in names):
                return "empty-elements"
            return "denied-method-or-header"
        if field == "access-control-allow-private-network":
            return "private-network"
        if field == "access-control-allow-headers":
            return "any-header" if "*" in options["allow_headers"] else "safelisted-headers-twice"
        if field == "access-control-allow-methods" and "put" in options["allow_methods"]:
            return "methods-in-lower-case"
        return (
            "regex-beyond-origins"
            if field in {"status", "access-control-allow-origin"} and not granted
            else None
        )
    if [key for key, _ in request.headers].count("Origin") > 1:
        return "several-origins"
    if field == "vary":
        if seen.theirs is not None and request.path.startswith("/varies"):
            return "vary-twice"
        return (
            "any-origin-is-one-answer"
            if everybody
            else "vary-on-options"
            if request.method == "OPTIONS"
            else None
        )
    if everybody and request.origin is None:
        return "any-origin-is-one-answer"
    if request.path == "/own":
        return "the-applications-own"
    if request.origin is not None and request.origin.strip() == A and request.origin != A:
        return "white-space"
    if not granted and field == "access-control-allow-origin":
        return "regex-beyond-origins"
    if not granted and field in {
        "access-control-allow-credentials",
        "access-control-expose-headers",
    }:
        return "nothing-for-denied-origins"
    return None


def test_every_difference_is_explained() -> None:
    comparison = Comparison("starlette", classify)
    asked = requests()
    for name, options in OPTIONS.items():
        peer = Peer(APP, **options)
        try:
            ours = Ours(APP, **options)
        except ValueError as error:
            comparison.add(name, asked[0], ask(peer, asked[0]), Reply(error=str(error)))
            continue
        for request in asked:
            comparison.add(name, request, ask(peer, request), ask(ours, request))
    comparison.check(least=900)


@pytest.mark.parametrize(("origin", "method"), list(itertools.product([A, B], ["GET", "PUT"])))
def test_what_is_allowed_is_allowed_by_both(origin: str, method: str) -> None:
    """So that the comparison is not one of refusals."""
    for middleware in (Peer, Ours):
        reply = ask(middleware(APP, **OPTIONS["two"]), preflight(origin, method, (ACRH, "x-token")))
        assert (reply.status, reply.get("access-control-allow-origin")) == (200, origin)
