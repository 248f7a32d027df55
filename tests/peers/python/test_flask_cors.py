"""flask-cors and crossgate.flask, side by side in Flask itself."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import crossgate.flask
import flask_cors
from asked import headers, preflight
from compare import Comparison, Reply, Request, Seen
from flask import Flask, Response, abort, request

A, B, E = "https://a.example.com", "https://b.example.com", "https://evil.com"
PATHS = {
    "/api/*": {"origins": A},
    "/api/admin/*": {"origins": B},
    "/open": {"origins": "*"},
    r"/v\d+/items": {"origins": A},
}

OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "one": {"origins": A},
    "one-in-list": {"origins": [A]},
    "two": {"origins": [A, B]},
    "set": {"origins": {A, B}},
    "nobody": {"origins": []},
    "null": {"origins": [A, "null"]},
    "regex": {"origins": r"https://.*\.example\.com"},
    "regex-values": {"origins": [re.compile(r"https://[a-z]+\.example\.com"), B]},
    "look-around": {"origins": [re.compile(r"https://(?!b)[a-z]+\.example\.com")]},
    "wildcard": {"origins": "https://*.example.com"},
    "credentials": {
        "origins": [A, B],
        "supports_credentials": True,
        "expose_headers": ["X-B", "X-A"],
        "max_age": 600,
    },
    "any-credentials": {"supports_credentials": True},
    "send-wildcard": {"send_wildcard": True},
    "no-vary": {"origins": [A, B], "vary_header": False},
    "not-always": {"origins": "*", "always_send": False},
    "not-intercepted": {"origins": [A, B], "intercept_exceptions": False},
    "listed": {
        "origins": [A, B],
        "methods": ["GET", "PUT"],
        "allow_headers": ["Content-Type", "X-Token"],
        "max_age": timedelta(hours=1),
    },
    "text-age": {"origins": [A, B], "max_age": "600"},
    "age-zero": {"origins": [A, B], "max_age": 0},
    "lower-methods": {"origins": [A, B], "methods": ["get", "patch"]},
    "private": {"origins": [A, B], "allow_private_network": True},
    "paths": {"resources": PATHS},
    "path": {"resources": r"/api/*", "origins": [A, B]},
    "path-list": {"resources": ["/api/*", re.compile("/open")], "origins": [A, B]},
    "priority": {"resources": {r"/api/.*": {"origins": A}, r"/api/(admin)?.*": {"origins": "*"}}},
    "comma-text": {"origins": f"{A}, {B}"},
    "slash": {"origins": f"{A}/"},
    "no-scheme": {"origins": "a.example.com"},
    "header-regex": {"origins": A, "allow_headers": [r"X-.*"]},
    "methods-text": {"origins": A, "methods": "GET, PUT"},
    "age-long": {"origins": A, "max_age": 604800},
    "unknown": {"origin": A},
    "path-look-around": {"origins": A, "resources": r"/api/(?!admin).*"},
}


VIEWS = ["default", "one", "two", "regex", "credentials", "listed"]


REQUESTS = [
    Request("GET", "/api/x"),
    *(
        Request("GET", "/api/x", headers(Origin=origin))
        for origin in (
            A,
            B,
            E,
            "null",
            "",
            f"{A}.evil.com",
            A.upper(),
            f"{E}/.example.com",
            f"{A}, {E}",
        )
    ),
    Request("HEAD", "/api/x", headers(Origin=A)),
    Request("GET", "/api/nope", headers(Origin=A)),
    Request("PATCH", "/api/x", headers(Origin=A)),
    Request("GET", "/api/boom", headers(Origin=A)),
    Request("GET", "/api/abort", headers(Origin=A)),
    Request("GET", "/api/stream", headers(Origin=A)),
    Request("GET", "/api/vary", headers(Origin=A)),
    Request("GET", "/api/varies-by-origin", headers(Origin=A)),
    Request("GET", "/api/own", headers(Origin=A)),
    Request("GET", "/api/own", headers(Origin=E)),
    Request("OPTIONS", "/api/x", headers(Origin=A)),
    preflight(A, "PUT", "authorization,content-type"),
    preflight(A, "PUT", "x-token, content-type"),
    preflight(A, "PATCH"),
    preflight(A, "patch"),
    preflight(A, "ET"),
    preflight(A, ""),
    preflight(E, "PUT", "x-token"),
    preflight(None, "PUT", "x-token"),
    preflight(A, "GET", 'a b, "q"'),
    preflight(A, "GET", "x-token,,"),
    preflight(A, "PUT", path="/api/nope"),
    preflight(A, "PUT", Access_Control_Request_Private_Network="true"),
    *(
        Request("GET", path, headers(Origin=origin))
        for path in (
            "/open",
            "/API/x",
            "/apix",
            "/%61pi/x",
            "/%2561pi/x",
            "/api+x",
            "/api/admin/x",
            "/api//admin/x",
            "/v1/items",
            "/v1/itemsx",
        )
        for origin in (A, B)
    ),
]


def application(extension: Any, options: dict[str, Any]) -> Flask:
    app = Flask(__name__)
    app.logger.disabled = True
    extension(app, **options)

    @app.route("/api/x", methods=["GET", "POST"])
    @app.route("/open")
    @app.route("/apix")
    @app.route("/API/x")
    @app.route("/api+x")
    @app.route("/%61pi/x")
    @app.route("/api/admin/x")
    @app.route("/v1/items")
    @app.route("/v1/itemsx")
    def x() -> str:
        return request.path

    @app.get("/api/boom")
    def boom() -> str:
        raise RuntimeError

    @app.get("/api/abort")
    def aborts() -> str:
        abort(403)

    @app.get("/api/stream")
    def stream() -> Response:
        return Response(str(number) for number in range(3))

    @app.get("/api/vary")
    def vary() -> tuple[str, dict[str, str]]:
        return "vary", {"Vary": "Accept-Encoding"}

    @app.get("/api/varies-by-origin")
    def varies() -> tuple[str, dict[str, str]]:
        return "vary", {"Vary": "origin"}

    @app.get("/api/own")
    def own() -> tuple[str, dict[str, str]]:
        return "own", {"Access-Control-Allow-Origin": "https://own.example"}

    return app


def decorated(cross_origin: Any, options: dict[str, Any]) -> Flask:
    app = Flask(__name__)
    app.logger.disabled = True

    @app.route("/api/x", methods=["GET", "POST"])
    @cross_origin(**options)
    def x() -> str:
        return request.path

    @app.get("/api/boom")
    @cross_origin(**options)
    def boom() -> str:
        raise RuntimeError

    @app.get("/api/abort")
    @cross_origin(**options)
    def aborts() -> str:
        abort(403)

    return app


def reply(app: Flask | str, asked: Request) -> Reply:
    if isinstance(app, str):
        return Reply(error=app)
    found = app.test_client().open(asked.path, method=asked.method, headers=list(asked.headers))
    return Reply(found.status_code, tuple(found.headers.items()), found.data)


def build(application: Any, extension: Any, options: dict[str, Any]) -> Flask | str:
    try:
        return application(extension, options)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


ERRORS = {
    "any_with_credentials": "any-origin-with-credentials",
    "_is_list": "several-values-in-one-string",
    "origin_has_path": "origin-that-never-matches",
    "origin_missing_scheme": "origin-that-never-matches",
    "is a regex": "header-name-regex",
    "max_age_too_long": "max-age-too-long",
    "has no option": "unknown-option",
    "cannot select paths": "path-regex-without-bound",
}


def classify(seen: Seen) -> str | None:
    """The difference that explains a field."""
    if seen.field == "error":
        return next((key for code, key in ERRORS.items() if code in seen.ours.error), None)
    if seen.request.is_preflight and seen.field in (
        "status",
        "body",
        "content-length",
        "content-type",
        "allow",
    ):
        return (
            "preflight-of-unknown-route" if seen.peer.status == 404 else "preflight-before-routing"
        )
    is_error = seen.options.startswith("view ") and seen.request.path in ("/api/boom", "/api/abort")
    if is_error and seen.theirs is None and seen.field.startswith(("access-control", "vary")):
        return "errors-of-decorated-views"
    if seen.field == "vary":
        return vary(seen)
    if not seen.field.startswith("access-control-"):
        return None
    return path(seen) or cors(seen)


def vary(seen: Seen) -> str | None:
    theirs, ours = seen.theirs or "", seen.our or ""
    if seen.options == "no-vary" and "Origin" not in theirs:
        return "vary-header-false"
    if seen.request.method == "OPTIONS" and ours.startswith(
        "Origin, Access-Control-Request-Method"
    ):
        return "vary-of-options"
    if (
        "Origin" in theirs.split(" | ")
        and ours.lower() == theirs.removesuffix("Origin").removesuffix(" | ").lower()
    ):
        return "any-origin-is-literal" if "origin" not in ours else "vary-merged"
    if theirs.replace(" | ", ", ") == ours:
        return "vary-merged"
    return (
        "vary-on-every-answer" if ours.removesuffix("Origin").removesuffix(", ") == theirs else None
    )


def path(seen: Seen) -> str | None:
    """Where another policy, or none, was selected."""
    asked = seen.request.path
    if seen.options == "priority" or (seen.options == "paths" and "//" in asked):
        return "ambiguous-path"
    if seen.options in ("paths", "path", "path-list") and seen.our is None:
        if asked in ("/apix", "/v1/itemsx", "/api+x"):
            return "path-prefix"
        if asked == "/%2561pi/x":
            return "path-decoded-twice"
    return None


def cors(seen: Seen) -> str | None:
    asked, theirs, ours = seen.request, seen.theirs, seen.our
    if asked.path == "/api/own":
        return "application-sets-acao"
    if theirs is not None and not asked.origin and ours is None:
        return "always-send-without-origin"
    if seen.field == "access-control-allow-origin":
        return origin(seen)
    if ours is None and (asked.origin or "").lower() != asked.origin:
        return "origin-case"
    if (
        ours is None
        and seen.peer.get("access-control-allow-origin")
        and not seen.ours.get("access-control-allow-origin")
    ):
        return origin(seen)
    if seen.options == "wildcard" and theirs is None:
        return "glob-is-a-wildcard"
    if asked.method != "OPTIONS":
        return None
    if seen.field == "access-control-expose-headers" and ours is None:
        return "expose-on-preflight"
    if seen.field == "access-control-allow-private-network" and theirs == "false":
        return "private-network-false"
    if seen.field == "access-control-max-age" and ours == "0":
        return "max-age-zero"
    if theirs is None and seen.peer.get("access-control-allow-methods") is None:
        return "preflight-keeps-what-is-granted"
    if seen.field == "access-control-allow-headers":
        return (
            "requested-names" if seen.options.endswith("credentials") else "whole-list-of-headers"
        )
    return None


def origin(seen: Seen) -> str | None:
    asked, theirs, ours = seen.request.origin or "", seen.theirs, seen.our
    if ours == "*":
        return "any-origin-is-literal" if theirs else "any-origin-is-constant"
    if seen.options == "wildcard":
        return "glob-is-a-wildcard"
    if ours is None and asked == A.upper():
        return "origin-case"
    return "regex-matches-prefix" if ours is None and asked not in (A, B) else None


def compared() -> Comparison:
    comparison = Comparison("flask-cors", classify)
    for name, options in OPTIONS.items():
        peer, ours = (
            build(application, package.CORS, options) for package in (flask_cors, crossgate.flask)
        )
        for asked in REQUESTS:
            comparison.add(name, asked, reply(peer, asked), reply(ours, asked))
    for name in VIEWS:
        peer, ours = (
            build(decorated, package.cross_origin, OPTIONS[name])
            for package in (flask_cors, crossgate.flask)
        )
        for asked in REQUESTS:
            if asked.path in ("/api/x", "/api/boom", "/api/abort"):
                comparison.add(f"view {name}", asked, reply(peer, asked), reply(ours, asked))
    return comparison


def test_every_difference_is_written_down() -> None:
    compared().check(300)
