"""crossgate.django in Django itself, sync and async."""

from __future__ import annotations

import asyncio
import json
import logging
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.conf import settings

settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["crossgate.django"],
    MIDDLEWARE=["crossgate.django.CorsMiddleware", "django.middleware.common.CommonMiddleware"],
    LOGGING_CONFIG=None,
    USE_TZ=True,
)
django.setup()

from crossgate import Counters, Policy, SharedPolicy  # noqa: E402
from crossgate.django import CorsMiddleware, check_request_enabled, default_headers, default_methods  # noqa: E402
from django.core.checks import run_checks  # noqa: E402
from django.core.exceptions import ImproperlyConfigured, PermissionDenied  # noqa: E402
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.test import AsyncClient, Client, RequestFactory, override_settings  # noqa: E402
from django.urls import path as route  # noqa: E402

A, B, EVIL = "https://a.example", "https://b.example", "https://evil.example"


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("x")


async def async_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("x")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse([b"a", b"b"])


def boom(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


def denied(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def own(request: HttpRequest) -> HttpResponse:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Vary": "Cookie",
        "Access-Control-Expose-Headers": "X-Own",
    }
    response = HttpResponse("own")
    for name, value in headers.items():
        response[name] = value
    return response


urlpatterns = [
    route("x", view),
    route("async", async_view),
    route("stream", stream),
    route("boom", boom),
    route("denied", denied),
    route("own", own),
    route("slash/", view),
    route("api/x", view),
    route("apix", view),
    route("API/x", view),
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def ask(
    path: str = "/x",
    origin: str | None = A,
    method: str = "GET",
    is_async: bool = False,
    **headers: str,
) -> Any:
    meta = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    if origin is not None:
        meta["HTTP_ORIGIN"] = origin
    if is_async:
        given = dict(meta)
        return asyncio.run(_ask_async(path, method, given))
    return Client(raise_request_exception=False).generic(method, path, **meta)


async def _ask_async(path: str, method: str, meta: dict[str, str]) -> Any:
    # Names as the ASGI scope has them; every version of AsyncClient takes them so.
    headers = {name[5:].replace("_", "-").lower(): value for name, value in meta.items()}
    return await AsyncClient(raise_request_exception=False).generic(method, path, **headers)


def preflight(
    path: str = "/x", origin: str | None = A, is_async: bool = False, **headers: str
) -> Any:
    return ask(path, origin, "OPTIONS", is_async, access_control_request_method="PUT", **headers)


def allowed(response: Any) -> str | None:
    found: str | None = response.get("Access-Control-Allow-Origin")
    return found


both = pytest.mark.parametrize("is_async", [False, True])


@both
@override_settings(CORS_ALLOWED_ORIGINS=[A])
def test_every_response_has_the_headers(is_async: bool) -> None:
    for path, status in (
        ("/x", 200),
        ("/async", 200),
        ("/stream", 200),
        ("/boom", 500),
        ("/denied", 403),
        ("/nope", 404),
        ("/slash", 301),
    ):
        found = ask(path, is_async=is_async)
        assert (found.status_code, allowed(found), found["Vary"]) == (status, A, "Origin"), path
        found = ask(path, EVIL, is_async=is_async)
        assert (found.status_code, allowed(found), found["Vary"]) == (status, None, "Origin"), path
    with override_settings(DEBUG=True):
        for path in ("/boom", "/nope"):
            assert allowed(ask(path, is_async=is_async)) == A
    assert allowed(ask(method="HEAD", is_async=is_async)) == A


@both
@override_settings(
    CORS_ALLOWED_ORIGINS=[A], CORS_ALLOW_CREDENTIALS=True, CORS_EXPOSE_HEADERS=["X-A"]
)
def test_preflights(is_async: bool) -> None:
    found = preflight(is_async=is_async)
    assert found.status_code == 200
    assert found.content == b""
    assert dict(found.items()) == {
        "content-length": "0",
        "access-control-allow-origin": A,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": ", ".join(default_methods),
        "access-control-allow-headers": ", ".join(default_headers),
        "access-control-max-age": "86400",
        "vary": "Origin, Access-Control-Request-Method",
    }
    found = preflight(origin=EVIL, is_async=is_async)
    assert (found.status_code, dict(found.items())) == (
        200,
        {"content-length": "0", "vary": "Origin, Access-Control-Request-Method"},
    )
    # Before CommonMiddleware, which redirects.
    assert preflight("/slash", is_async=is_async).status_code == 200


@both
@override_settings(CORS_ALLOWED_ORIGINS=[A], CORS_EXPOSE_HEADERS=["X-A"])
def test_a_view_s_own_headers(is_async: bool) -> None:
    found = ask("/own", is_async=is_async)
    assert (allowed(found), found["Vary"], found["Access-Control-Expose-Headers"]) == (
        A,
        "Cookie, Origin",
        "X-Own, X-A",
    )
    found = ask("/own", EVIL, is_async=is_async)
    assert (allowed(found), found["Vary"], found.get("Access-Control-Expose-Headers")) == (
        None,
        "Cookie, Origin",
        None,
    )


def test_the_settings_and_their_aliases() -> None:
    for name in ("CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST"):
        with override_settings(**{name: (A,)}):
            assert [allowed(ask(origin=origin)) for origin in (A, B)] == [A, None]
    for name in ("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST"):
        with override_settings(
            **{name: [r"https://[ac]\.example", re.compile(r"^https://(?!b)b?d\.example$")]}
        ):
            origins = (A, B, "https://d.example", f"{A}.evil.example")
            assert [allowed(ask(origin=origin)) for origin in origins] == [
                A,
                None,
                "https://d.example",
                None,
            ]
    for name in ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"):
        with override_settings(**{name: True}):
            assert [allowed(ask(origin=origin)) for origin in (A, None)] == ["*", "*"]
    with override_settings(CORS_ALLOWED_ORIGINS=[A, "null"]):
        assert allowed(ask(origin="null")) == "null"
    with override_settings(
        CORS_ALLOWED_ORIGINS=[A],
        CORS_PREFLIGHT_MAX_AGE=0,
        CORS_ALLOW_METHODS=["PUT"],
        CORS_ALLOW_HEADERS=["x-a"],
    ):
        found = preflight()
        assert [
            found[f"Access-Control-{name}"]
            for name in ("Max-Age", "Allow-Methods", "Allow-Headers")
        ] == [
            "0",
            "PUT",
            "x-a",
        ]
    with override_settings(CORS_ALLOWED_ORIGINS=[A], CORS_ALLOW_PRIVATE_NETWORK=True):
        found = preflight(access_control_request_private_network="true")
        assert found["Access-Control-Allow-Private-Network"] == "true"
    assert allowed(ask()) is None


@both
def test_what_is_public_by_its_own_word_may_be_kept(is_async: bool) -> None:
    """A `*` of WhiteNoise, of a discovery document, for strangers and for a CDN without Origin."""
    with override_settings(CROSSGATE_POLICY={"allow_origins": [A], "upstream": "keep_public"}):
        for origin in (EVIL, None):
            found = ask("/own", origin, is_async=is_async)
            assert allowed(found) == "*"
            assert found["Access-Control-Expose-Headers"] == "X-Own"
            assert found["Vary"] == "Cookie, Origin"
        assert allowed(ask("/own", A, is_async=is_async)) == A


@pytest.mark.parametrize("app", ["oauth2_provider", "oauth2_provider.apps.DOTConfig"])
def test_packages_that_make_files_public_are_named(app: str) -> None:
    from crossgate.django.checks import check_settings

    def named(*middleware: str, apps: tuple[str, ...] = (app,), **more: Any) -> list[str]:
        if "CROSSGATE_POLICY" not in more:
            more.setdefault("CORS_ALLOWED_ORIGINS", [A])
        with override_settings(MIDDLEWARE=middleware, **more):
            # The apps are not installed here: this check reads no more than the list.
            settings.INSTALLED_APPS = apps
            found = check_settings()
        assert all("keep_public" in message.hint for message in found)
        return [str(message.id) for message in found]

    ours, noise = "crossgate.django.CorsMiddleware", "whitenoise.middleware.WhiteNoiseMiddleware"
    each = ["crossgate.whitenoise", "crossgate.oauth_toolkit"]
    assert named(ours, noise) == each
    assert named(noise, ours) == each[1:]
    assert named(ours, noise, WHITENOISE_ALLOW_ALL_ORIGINS=False) == each[1:]
    assert named(ours, noise, apps=()) == each[:1]
    assert named(noise) == []
    assert named(ours, noise, CORS_URLS_REGEX="^/api/") == []
    assert named(ours, noise, CORS_ALLOW_ALL_ORIGINS=True) == []
    policy = {"allow_origins": [A]}
    assert named(ours, noise, CROSSGATE_POLICY=policy) == each
    assert named(ours, noise, CROSSGATE_POLICY={**policy, "upstream": "keep_public"}) == []


@override_settings(CORS_ALLOWED_ORIGINS=["http://192.168.1.20:5173"], CORS_ALLOW_CREDENTIALS=True)
def test_plain_http_with_credentials_needs_its_exception() -> None:
    with pytest.raises(ImproperlyConfigured, match="insecure_origin_with_credentials"):
        ask()
    with override_settings(CORS_DANGEROUSLY_ALLOW=["insecure_origins_with_credentials"]):
        (origin,) = settings.CORS_ALLOWED_ORIGINS
        assert allowed(ask(origin=origin)) == origin
        assert [found.id for found in run_checks()] == [
            "crossgate.insecure_origin_with_credentials"
        ]
    with (
        override_settings(CORS_DANGEROUSLY_ALLOW=["everything"]),
        pytest.raises(ImproperlyConfigured, match=r"gate_unknown at CORS_DANGEROUSLY_ALLOW\[0\]"),
    ):
        ask()


@both
@override_settings(CORS_ALLOWED_ORIGINS=[A])
def test_urls(is_async: bool) -> None:
    for regex in (r"^/api/.*$", "/api/", "^/api", re.compile("^/api/")):
        with override_settings(CORS_URLS_REGEX=regex):
            assert [
                allowed(ask(path, is_async=is_async))
                for path in ("/api/x", "/apix", "/API/x", "/x")
            ] == [
                A,
                None,
                None,
                None,
            ]
            assert "Vary" not in ask("/x", is_async=is_async)
            assert preflight("/x", is_async=is_async).content == b"x"
            assert allowed(ask("/api/../x", is_async=is_async)) is None
            assert allowed(ask("/x/../api/x", is_async=is_async)) is None


@both
def test_the_signal_allows(is_async: bool) -> None:
    asked: list[str] = []

    def receiver(sender: object, request: HttpRequest, **_: Any) -> bool:
        asked.append(request.path)
        return request.META.get("HTTP_ORIGIN") == B

    def broken(sender: object, request: HttpRequest, **_: Any) -> bool:
        raise OSError

    check_request_enabled.connect(receiver)
    check_request_enabled.connect(broken)
    try:
        with override_settings(CORS_ALLOWED_ORIGINS=[A], CORS_URLS_REGEX="^/api/"):
            assert [
                allowed(ask("/api/x", origin, is_async=is_async)) for origin in (A, B, EVIL, "null")
            ] == [
                A,
                B,
                None,
                None,
            ]
            assert asked == ["/api/x"] * 2
            assert [allowed(ask("/x", origin, is_async=is_async)) for origin in (B, EVIL)] == [
                B,
                None,
            ]
            assert allowed(preflight("/x", B, is_async=is_async)) == B
    finally:
        check_request_enabled.disconnect(receiver)
        check_request_enabled.disconnect(broken)
    with override_settings(CORS_ALLOWED_ORIGINS=[A]):
        assert allowed(ask(origin=B, is_async=is_async)) is None


def test_a_coroutine_may_receive_the_signal() -> None:
    async def receiver(sender: object, request: HttpRequest, **_: Any) -> bool:
        await asyncio.sleep(0)
        return True

    check_request_enabled.connect(receiver)
    try:
        assert allowed(ask(origin=B, is_async=True)) == B
    finally:
        check_request_enabled.disconnect(receiver)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"CORS_ALLOWED_ORIGINS": A}, "CORS_ALLOWED_ORIGINS must be a list or tuple, not str"),
    ({"CORS_ALLOWED_ORIGINS": None}, "CORS_ALLOWED_ORIGINS must be a list or tuple, not NoneType"),
    ({"CORS_ALLOWED_ORIGINS": [A, 7]}, r"CORS_ALLOWED_ORIGINS\[1\] must be a str, not int"),
    ({"CORS_ALLOWED_ORIGINS": ["*"]}, "set CORS_ALLOW_ALL_ORIGINS = True"),
    ({"CORS_ALLOWED_ORIGINS": [""]}, r"origin_blank.*CORS_ALLOWED_ORIGINS\[0\]"),
    (
        {"CORS_ORIGIN_WHITELIST": ["a.example"]},
        r"origin_missing_scheme.*CORS_ORIGIN_WHITELIST\[0\]",
    ),
    ({"CORS_ALLOWED_ORIGINS": [A, f"{A}/"]}, r"origin_has_path.*CORS_ALLOWED_ORIGINS\[1\]"),
    ({"CORS_ALLOWED_ORIGIN_REGEXES": ["("]}, r"regex_invalid.*CORS_ALLOWED_ORIGIN_REGEXES\[0\]"),
    ({"CORS_ALLOW_ALL_ORIGINS": "yes"}, "CORS_ALLOW_ALL_ORIGINS must be a bool, not str"),
    (
        {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True},
        "any_with_credentials.*CORS_ALLOW_ALL_ORIGINS",
    ),
    (
        {"CORS_ALLOWED_ORIGINS": ["null"], "CORS_ALLOW_CREDENTIALS": True},
        "null_with_credentials.*CORS_ALLOWED_ORIGINS",
    ),
    ({"CORS_ALLOW_CREDENTIALS": 1}, "option_type.*CORS_ALLOW_CREDENTIALS"),
    ({"CORS_ALLOW_METHODS": ["GET,PUT"]}, r"method_is_list.*CORS_ALLOW_METHODS\[0\]"),
    ({"CORS_ALLOW_HEADERS": "x-a"}, "CORS_ALLOW_HEADERS must be a list or tuple, not str"),
    ({"CORS_EXPOSE_HEADERS": ["a b"]}, r"header_invalid.*CORS_EXPOSE_HEADERS\[0\]"),
    (
        {"CORS_PREFLIGHT_MAX_AGE": "60"},
        "option_type.*CORS_PREFLIGHT_MAX_AGE|max_age_invalid.*CORS_PREFLIGHT_MAX_AGE",
    ),
    ({"CORS_URLS_REGEX": 7}, "CORS_URLS_REGEX must be a str or re.Pattern, not int"),
    ({"CORS_URLS_REGEX": "("}, "CORS_URLS_REGEX: .* is no regular expression"),
    ({"CORS_MODEL": "x"}, "CORS_MODEL is no setting any more"),
    ({"CROSSGATE_COUNTERS": 7}, "CROSSGATE_COUNTERS must be a crossgate.Counters, not int"),
    (
        {"CROSSGATE_POLICY": 7},
        "CROSSGATE_POLICY must be a crossgate.Policy, a crossgate.SharedPolicy, a dict or a file, "
        "not int",
    ),
    ({"CROSSGATE_POLICY": "/nowhere.json"}, "CROSSGATE_POLICY: .*No such file"),
    (
        {"CROSSGATE_POLICY": {"allow_origins": "*"}, "CORS_ALLOWED_ORIGINS": [A]},
        "remove CORS_ALLOWED_ORIGINS",
    ),
]


@pytest.mark.parametrize(("bad", "text"), BAD)
def test_bad_settings_are_found_by_the_checks_and_at_construction(
    bad: dict[str, Any], text: str
) -> None:
    with override_settings(**bad):
        with pytest.raises(ImproperlyConfigured) as raised:
            CorsMiddleware(view)
        found = run_checks()
    spoken = [f"{message.id}: {message.msg}" for message in found]
    assert re.search(text, str(raised.value))
    assert any(re.search(text, line) for line in spoken), spoken


def test_all_problems_are_found_at_once_and_defaults_warn_of_nothing() -> None:
    assert run_checks() == []
    with override_settings(
        CORS_ALLOWED_ORIGINS=[f"{A}/", "b.example"], CORS_ALLOW_METHODS=["patch", "OPTIONS"]
    ):
        found = run_checks()
    assert [message.id for message in found] == [
        "crossgate.origin_has_path",
        "crossgate.origin_missing_scheme",
        "crossgate.method_case",
        "crossgate.method_options_unneeded",
    ]
    assert [message.level for message in found] == [40, 40, 40, 30]
    assert found[0].hint == f"write {A}"


@override_settings(
    CORS_ALLOWED_ORIGINS=[A, 7, "*", "https://c.example/"],
    CORS_ALLOWED_ORIGIN_REGEXES="x",
    CORS_ALLOW_ALL_ORIGINS=1,
    CORS_ALLOW_METHODS=["GET", 3],
    CORS_ALLOW_CREDENTIALS="yes",
    CORS_URLS_REGEX="(",
    CROSSGATE_COUNTERS=7,
    CORS_MODEL="x",
)
def test_wrong_types_hide_nothing() -> None:
    found = run_checks()
    assert sorted(message.id.removeprefix("crossgate.") for message in found) == [
        "option_type",
        "option_type",
        "origin_has_path",
        *["setting"] * 7,
    ]
    text = "\n".join(message.msg for message in found)
    for name in (
        "ORIGINS[1]",
        "ORIGINS[2]",
        "ORIGINS[3]",
        "REGEXES",
        "ALL_ORIGINS",
        "METHODS[1]",
        "CREDENTIALS",
        "URLS",
    ):
        assert name in text
    with pytest.raises(ImproperlyConfigured) as raised:
        CorsMiddleware(view)
    assert len(str(raised.value).splitlines()) == len(found)


def test_a_policy_in_place_of_the_settings(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "policy.json"
    options = {"allow_origins": [A], "denied_actual": "reject", "own_origins": [B]}
    file.write_text(json.dumps(options))
    for policy in (Policy(**options), options, file, str(file)):
        with override_settings(CROSSGATE_POLICY=policy, CORS_URLS_REGEX="^/api/"):
            assert allowed(ask("/api/x")) == A
            found = ask("/api/x", EVIL)
            assert (found.status_code, dict(found.items())) == (
                403,
                {"content-length": "0", "vary": "Origin"},
            )
            assert preflight("/api/x").status_code == 204
            assert "content-length" not in preflight("/api/x")
            assert allowed(ask("/x")) is None


@override_settings(CORS_ALLOWED_ORIGINS=[A])
def test_no_request_raises() -> None:
    middleware = CorsMiddleware(view)
    for method in ("GET", "OPTIONS"):
        for value in (b"x", 7, None, "\u20ac", "\udc80", "x" * 100_000, "", A):
            for name in (
                "HTTP_ORIGIN",
                "HTTP_ACCESS_CONTROL_REQUEST_METHOD",
                "HTTP_ACCESS_CONTROL_REQUEST_HEADERS",
            ):
                request = RequestFactory().generic(method, "/x")
                request.META.update(
                    {"HTTP_ORIGIN": A, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT", name: value}
                )
                assert middleware(request).status_code == 200


@pytest.mark.parametrize("is_async", [False, True])
def test_a_shared_policy_is_swapped_while_serving(is_async: bool) -> None:
    shared, counters, differences = SharedPolicy(Policy(allow_origins=[A])), Counters(), []
    with override_settings(CROSSGATE_POLICY=shared, CROSSGATE_COUNTERS=counters):
        assert allowed(ask(is_async=is_async)) == A
        shared.set_shadow(
            Policy(allow_origins=[A]),
            lambda difference, _: differences.append(difference.shadow.reason),
        )
        shared.replace(Policy(allow_origins=[B]))
        assert allowed(ask("/own", is_async=is_async)) is None
        assert allowed(preflight(origin=B, is_async=is_async)) == B
        shared.replace(Policy(origin_predicate=True))
        assert allowed(ask(is_async=is_async)) is None

        def receiver(**_: Any) -> bool:
            return True

        check_request_enabled.connect(receiver)
        try:
            assert allowed(ask(is_async=is_async)) == A
        finally:
            check_request_enabled.disconnect(receiver)
    assert differences[0] == "allowed"
    assert counters.as_dict()["allowed"] == 2
    assert (sum(counters.as_dict().values()), counters.overwrote_upstream) == (5, 1)
