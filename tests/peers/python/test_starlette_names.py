"""What people call on Starlette's middleware object is there, and says what Starlette's says."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import pytest
from crossgate.asgi import CORSMiddleware as Ours
from crossgate.asgi import install
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from starlette.middleware.cors import CORSMiddleware as Theirs

A, EVIL = "https://a.example", "https://evil.example"
CASES = [
    {"allow_origins": origins, "allow_credentials": credentials, **more}
    for origins, credentials, more in itertools.product(
        ([A], ["https://b.example", A], ["*"], []),
        (False, True),
        (
            {},
            {"expose_headers": ["X-A", "X-B"], "max_age": 5},
            {"allow_methods": ["GET", "PUT"], "allow_headers": ["X-Token"]},
            {"allow_methods": ["*"], "allow_headers": ["*"]},
            {"allow_origin_regex": r"https://[a-z]+\.c\.example"},
        ),
    )
    # `*` is an error beside credentials and beside a regex.
    if not (origins == ["*"] and (credentials or "allow_origin_regex" in more))
]


async def app(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize("options", CASES, ids=str)
def test_they_say_what_starlettes_say(options: Any) -> None:
    ours, theirs = Ours(app, **options), Theirs(app, **options)
    for name in ("allow_all_origins", "allow_credentials", "allow_all_headers"):
        assert getattr(ours, name) == getattr(theirs, name), name
    if "*" not in options.get("allow_headers", ()):
        assert sorted(ours.allow_headers) == sorted(theirs.allow_headers)
    origins = (A, EVIL, "https://x.c.example", "https://x.c.example.evil.example")
    for origin in origins:
        assert ours.is_allowed_origin(origin=origin) == theirs.is_allowed_origin(origin=origin)
    assert ours.simple_headers == theirs.simple_headers
    preflight, other = ours.preflight_headers, theirs.preflight_headers
    for name in ("Access-Control-Allow-Credentials", "Access-Control-Max-Age"):
        assert preflight.get(name) == other.get(name), name
    assert preflight.get("Access-Control-Allow-Origin") == other.get("Access-Control-Allow-Origin")
    asked = {"origin": A, "access-control-request-method": "GET"}
    response = ours.preflight_response(request_headers=asked)
    assert (response.status_code == 200) == ours.is_allowed_origin(A)


def test_every_public_name_is_there_or_says_what_to_use() -> None:
    theirs = Theirs(app, allow_origins=[A])
    ours = Ours(app, allow_origins=[A])
    names = [name for name in {*vars(theirs), *vars(Theirs)} if not name.startswith("_")]
    assert len(names) > 12
    missing = [name for name in names if not hasattr(ours, name)]
    for name in missing:
        with pytest.raises(AttributeError, match=f"no attribute '{name}': "):
            getattr(ours, name)
    assert set(missing) <= {
        "allow_explicit_origin",
        "allow_origin_regex",
        "send",
        "simple_response",
    }
    with pytest.raises(AttributeError, match=r"no attribute 'other'$"):
        _ = ours.other


@pytest.mark.parametrize("middleware", [Ours, Theirs])
def test_the_usual_handler_of_errors(middleware: Any) -> None:
    """As it stands in many applications (fastapi#775)."""
    site = FastAPI()
    options: Any = {"allow_origins": [A], "allow_credentials": True, "expose_headers": ["X-A"]}
    site.add_middleware(middleware, **options)

    @site.get("/")
    def crash() -> None:
        raise ZeroDivisionError

    @site.exception_handler(500)
    async def handler(request: Request, error: Exception) -> JSONResponse:
        response = JSONResponse({"error": "Something went wrong"}, status_code=500)
        origin = request.headers.get("origin")
        if origin:
            cors = middleware(app=site, **options)
            response.headers.update(cors.simple_headers)
            has_cookie = "cookie" in request.headers
            if cors.allow_all_origins and has_cookie:
                response.headers["Access-Control-Allow-Origin"] = origin
            elif not cors.allow_all_origins and cors.is_allowed_origin(origin=origin):
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers.add_vary_header("Origin")
        return response

    client = TestClient(site, raise_server_exceptions=False)
    response = client.get("/", headers={"Origin": A})
    assert (response.status_code, response.json()) == (500, {"error": "Something went wrong"})
    assert response.headers["access-control-allow-origin"] == A
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["access-control-expose-headers"] == "X-A"
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in client.get("/", headers={"Origin": EVIL}).headers


def test_with_install_the_handler_is_shorter() -> None:
    site = FastAPI()
    install(site, allow_origins=[A], allow_credentials=True)

    @site.get("/")
    def crash() -> None:
        raise ZeroDivisionError

    @site.exception_handler(500)
    async def on_error(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "Something went wrong"}, status_code=500)

    client = TestClient(site, raise_server_exceptions=False)
    response = client.get("/", headers={"Origin": A})
    assert (response.status_code, response.json()) == (500, {"error": "Something went wrong"})
    assert response.headers["access-control-allow-origin"] == A
    assert "access-control-allow-origin" not in client.get("/", headers={"Origin": EVIL}).headers


def test_signatures() -> None:
    ours, theirs = (inspect.signature(middleware(app)) for middleware in (Ours, Theirs))
    assert list(ours.parameters) == list(theirs.parameters) == ["scope", "receive", "send"]
    assert inspect.getfullargspec(Ours(app)).args == ["scope", "receive", "send"]
