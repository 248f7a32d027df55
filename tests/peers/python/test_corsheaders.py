"""django-cors-headers and crossgate.django, side by side in Django itself."""

from __future__ import annotations

import logging
import re
from typing import Any

import django
import pytest
from asked import headers, preflight
from compare import Comparison, Reply, Request, Seen
from django.conf import settings

A, B, E = "https://a.example.com", "https://b.example.com", "https://evil.com"
PEER = "corsheaders.middleware.CorsMiddleware"
OURS = "crossgate.django.CorsMiddleware"

settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["crossgate.django"],
    LOGGING_CONFIG=None,
)
django.setup()
# The error pages are meant.
logging.getLogger("django").setLevel(logging.CRITICAL + 1)

from django.core.exceptions import ImproperlyConfigured, PermissionDenied  # noqa: E402
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.urls import path as route  # noqa: E402


def view(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse(f"{request.method} {request.path_info}")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(number) for number in range(3))


def boom(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


def denies(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def vary(request: HttpRequest) -> HttpResponse:
    return HttpResponse("vary", headers={"Vary": "Accept-Encoding"})


def varies(request: HttpRequest) -> HttpResponse:
    return HttpResponse("vary", headers={"Vary": "Origin"})


def any_vary(request: HttpRequest) -> HttpResponse:
    return HttpResponse("vary", headers={"Vary": "*"})


def own(request: HttpRequest) -> HttpResponse:
    return HttpResponse("own", headers={"Access-Control-Allow-Origin": "https://own.example"})


urlpatterns = [
    route("api/x", view),
    route("api/stream", stream),
    route("api/boom", boom),
    route("api/denied", denies),
    route("api/vary", vary),
    route("api/varies-by-origin", varies),
    route("api/vary-any", any_vary),
    route("api/own", own),
    route("apix", view),
    route("API/x", view),
]

SETTINGS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "two": {"CORS_ALLOWED_ORIGINS": [A, B]},
    "tuple": {"CORS_ALLOWED_ORIGINS": (A,)},
    "alias": {"CORS_ORIGIN_WHITELIST": [A]},
    "all": {"CORS_ALLOW_ALL_ORIGINS": True},
    "all-alias": {"CORS_ORIGIN_ALLOW_ALL": True},
    "all-credentials": {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True},
    "credentials": {
        "CORS_ALLOWED_ORIGINS": [A, B],
        "CORS_ALLOW_CREDENTIALS": True,
        "CORS_EXPOSE_HEADERS": ["X-B", "X-A"],
    },
    "regex": {"CORS_ALLOWED_ORIGIN_REGEXES": [r"https://.*\.example\.com"]},
    "regex-alias": {"CORS_ORIGIN_REGEX_WHITELIST": [re.compile(r"^https://[a-z]+\.example\.com$")]},
    "look-around": {"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://(?!b)\w+\.example\.com$"]},
    "urls": {"CORS_ALLOWED_ORIGINS": [A, B], "CORS_URLS_REGEX": r"^/api/.*$"},
    "urls-look": {"CORS_ALLOWED_ORIGINS": [A, B], "CORS_URLS_REGEX": r"^/api/(?!admin).*$"},
    "urls-front": {"CORS_ALLOWED_ORIGINS": [A, B], "CORS_URLS_REGEX": r"^/api"},
    "lists": {
        "CORS_ALLOWED_ORIGINS": [A],
        "CORS_ALLOW_METHODS": ["GET", "PUT"],
        "CORS_ALLOW_HEADERS": ["content-type", "x-token"],
        "CORS_PREFLIGHT_MAX_AGE": 600,
    },
    "no-lists": {"CORS_ALLOWED_ORIGINS": [A], "CORS_ALLOW_METHODS": [], "CORS_ALLOW_HEADERS": []},
    "any-headers": {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_HEADERS": ["*"]},
    "age-zero": {"CORS_ALLOWED_ORIGINS": [A], "CORS_PREFLIGHT_MAX_AGE": 0},
    "private": {"CORS_ALLOWED_ORIGINS": [A], "CORS_ALLOW_PRIVATE_NETWORK": True},
    "null": {"CORS_ALLOWED_ORIGINS": [A, "null"]},
    "empty-text": {"CORS_ALLOWED_ORIGINS": [""]},
    "text": {"CORS_ALLOWED_ORIGINS": A},
    "star": {"CORS_ALLOWED_ORIGINS": ["*"]},
    "slash": {"CORS_ALLOWED_ORIGINS": [f"{A}/"]},
    "no-scheme": {"CORS_ALLOWED_ORIGINS": ["a.example.com"]},
    "age-long": {"CORS_ALLOWED_ORIGINS": [A], "CORS_PREFLIGHT_MAX_AGE": 604800},
    "lower-method": {"CORS_ALLOWED_ORIGINS": [A], "CORS_ALLOW_METHODS": ["patch"]},
}


ODD = (
    "null",
    "",
    f"{A}.evil.com",
    A.upper(),
    f"{A}/",
    f"{A}:443",
    f"{E}/.example.com",
    f"{A}, {E}",
    "https://[",
)
REQUESTS = [
    Request("GET", "/api/x"),
    *(Request("GET", "/api/x", headers(Origin=origin)) for origin in (A, B, E, *ODD)),
    *(
        Request("GET", f"/api/{path}", headers(Origin=A))
        for path in (
            "nope",
            "boom",
            "denied",
            "stream",
            "vary",
            "varies-by-origin",
            "vary-any",
            "own",
        )
    ),
    Request("GET", "/api/own", headers(Origin=E)),
    Request("HEAD", "/api/x", headers(Origin=A)),
    Request("GET", "/apix", headers(Origin=A)),
    Request("GET", "/API/x", headers(Origin=A)),
    Request("OPTIONS", "/api/x", headers(Origin=A)),
    Request("OPTIONS", "/api/x"),
    preflight(A, "PUT", "authorization,content-type"),
    preflight(A, "PUT", "x-unknown"),
    preflight(A, "patch"),
    preflight(A, ""),
    preflight(E, "PUT", "content-type"),
    preflight(None, "PUT", "content-type"),
    preflight(A, "PUT", path="/api/nope"),
    preflight(A, "PUT", Access_Control_Request_Private_Network="true"),
]


def reply(middleware: str, options: dict[str, Any], asked: Request) -> Reply:
    with override_settings(
        MIDDLEWARE=[middleware, "django.middleware.common.CommonMiddleware"], **options
    ):
        client = Client(raise_request_exception=False)
        try:
            found = client.generic(asked.method, asked.path, headers=dict(asked.headers))
        except ImproperlyConfigured as error:
            return Reply(error=str(error))
        body = b"".join(found.streaming_content) if found.streaming else found.content
        return Reply(found.status_code, tuple(found.headers.items()), body)


ERRORS = {
    "any_with_credentials": "any-origin-with-credentials",
    "origin_blank": "origin-that-never-matches",
    "origin_has_path": "origin-that-never-matches",
    "origin_missing_scheme": "origin-that-never-matches",
    "'*' is no origin": "origin-that-never-matches",
    "must be a list": "text-in-place-of-a-list",
    "max_age_too_long": "max-age-too-long",
    "method_case": "method-case",
    "cannot select paths": "path-regex-without-bound",
}
PREFLIGHT = {f"access-control-allow-{name}" for name in ("methods", "headers")} | {
    "access-control-max-age"
}


def classify(seen: Seen) -> str | None:
    """The difference that explains a field."""
    asked, theirs, ours = seen.request, seen.theirs, seen.our
    if seen.field == "error":
        return next((key for code, key in ERRORS.items() if code in seen.ours.error), None)
    if asked.method == "OPTIONS" and asked.acrm is not None and asked.origin is None:
        return "preflight-without-origin"
    if asked.is_preflight and seen.field == "content-type" and ours is None:
        return "preflight-content-type"
    if seen.field == "vary":
        return vary((theirs or "").lower(), (ours or "").lower(), asked.method)
    if asked.path == "/api/own" and seen.field.startswith("access-control-"):
        return "application-sets-acao"
    if asked.path == "/apix" and ours is None:
        return "path-prefix"
    if asked.origin is None and ours == "*":
        return "any-origin-is-constant"
    if not asked.is_preflight and seen.field in PREFLIGHT and ours is None:
        return "options-that-is-no-preflight"
    if asked.is_preflight and ours is None and theirs == "":
        return "empty-lists"
    if asked.is_preflight and seen.field == "access-control-expose-headers" and ours is None:
        return "expose-on-preflight"
    if seen.field == "access-control-max-age" and ours == "0":
        return "max-age-zero"
    if (
        ours is None
        and asked.origin in (f"{A}/", A.upper())
        and seen.options not in ("regex", "regex-alias")
    ):
        return "origin-parsed-as-url"
    if ours is None and asked.origin in ODD:
        return "regex-matches-prefix"
    if (
        seen.field == "access-control-allow-origin"
        and asked.origin in ("", "https://[")
        and ours == "*"
    ):
        return "any-origin-is-constant"
    return None


def vary(theirs: str, ours: str, method: str) -> str | None:
    if method == "OPTIONS" and ours.startswith("origin, access-control-request-method"):
        return "vary-of-options"
    return (
        "any-origin-is-constant"
        if theirs.removesuffix("origin").removesuffix(", ") == ours
        else None
    )


def compared() -> Comparison:
    comparison = Comparison("django-cors-headers", classify)
    for name, options in SETTINGS.items():
        for asked in REQUESTS:
            comparison.add(name, asked, reply(PEER, options, asked), reply(OURS, options, asked))
    return comparison


def test_every_difference_is_written_down() -> None:
    compared().check(300)


def test_overrides_are_honoured_or_refused() -> None:
    """A subclass that allows less must not be passed over in silence."""
    from corsheaders.middleware import CorsMiddleware as Theirs
    from crossgate.django import CorsMiddleware as Ours

    methods = [name for name, value in vars(Theirs).items() if callable(value)]
    methods = [name for name in methods if not name.startswith("__")]
    assert len(methods) > 5
    for name in methods:
        override = {name: lambda self, *arguments: False}
        mixin = type("Mixin", (), override)
        for bases, members in (((Ours,), override), ((mixin, Ours), {})):
            if name == "check_signal":
                type("Mine", bases, members)
            else:
                with pytest.raises(TypeError, match=f"Mine.{name} would never be called: use "):
                    type("Mine", bases, members)


class Tightened:
    """Made when it is used: the class of the drop-in needs the settings."""

    def __new__(cls, get_response: Any) -> Any:
        from crossgate.django import CorsMiddleware

        class Mine(CorsMiddleware):
            def check_signal(self, request: HttpRequest) -> bool:
                return request.path_info.startswith("/view")

        return Mine(get_response)


@override_settings(
    MIDDLEWARE=[f"{__name__}.Tightened"], CORS_ALLOWED_ORIGINS=[A], CORS_URLS_REGEX="^/nothing$"
)
def test_an_override_that_is_honoured() -> None:
    client = Client()
    assert "access-control-allow-origin" in client.get("/view", headers={"Origin": E}).headers
    assert "access-control-allow-origin" not in client.get("/vary", headers={"Origin": E}).headers
