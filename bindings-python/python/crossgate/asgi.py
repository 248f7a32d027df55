"""CORS for ASGI applications: FastAPI, Starlette, Litestar, Quart and plain ones.

`CORSMiddleware` takes the options of Starlette's. `install` puts it around a whole FastAPI or
Starlette application, so that responses to unhandled errors have the headers too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from inspect import signature
from types import MethodType
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ._crossgate import ASGIMiddleware, Counters, Policy, SharedPolicy
from ._options.origins import Regex, as_regex, by_text, listed
from ._options.overrides import refuse_overrides
from ._options.predicate import Predicate
from ._options.problems import build
from ._options.starlette_names import StarletteNames

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["ALL_METHODS", "SAFELISTED_HEADERS", "CORSMiddleware", "install"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

ALL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY")
"""The methods that `allow_methods=["*"]` stands for."""
SAFELISTED_HEADERS = frozenset({"Accept", "Accept-Language", "Content-Language", "Content-Type"})
"""The request headers that are always allowed."""


class CORSMiddleware(StarletteNames, ASGIMiddleware):
    """Answers preflights and puts the CORS headers on every response of an ASGI application.

    The arguments up to `max_age` are Starlette's, with its defaults. A text in place of a list is
    an error. Raises PolicyError with every problem of the configuration.

    `dangerously_allow`: exceptions to safety rules, each by its name. Plain http with credentials
    in development: ["insecure_origins_with_credentials"].
    `policy`: a Policy or SharedPolicy in place of all of those options.
    `origin_predicate`: a function of the origin, plain or async, that is called with well-formed
    origins that nothing else allows. It allows by True, the origin itself, a compiled regex that
    matches it, or a list of the two; "*" allows without credentials. Everything else denies; an
    exception, and what means nothing, is logged. An async function has `verdict_timeout` seconds.
    `websocket`: True refuses WebSocket handshakes from origins that are not allowed, by the rules
    for credentials. "public" refuses them by the policy's own rules, for sockets that serve
    everybody alike and read no cookie.
    `counters`: counts the decisions by reason.
    """

    def __init__(
        self,
        app: ASGIApp,
        allow_origins: Collection[str] = (),
        allow_methods: Collection[str] = ("GET",),
        allow_headers: Collection[str] = (),
        allow_credentials: bool = False,
        allow_origin_regex: Regex | None = None,
        allow_private_network: bool = False,
        expose_headers: Collection[str] = (),
        max_age: int | None = 600,
        *,
        dangerously_allow: Collection[str] = (),
        policy: Policy | SharedPolicy | None = None,
        origin_predicate: Predicate | None = None,
        verdict_timeout: float | None = 5.0,
        websocket: bool | Literal["public"] = False,
        counters: Counters | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "allow_origins": allow_origins,
            "allow_methods": allow_methods,
            "allow_headers": allow_headers,
            "allow_credentials": allow_credentials,
            "allow_origin_regex": allow_origin_regex,
            "allow_private_network": allow_private_network,
            "expose_headers": expose_headers,
            "max_age": max_age,
            "dangerously_allow": dangerously_allow,
        }
        predicate = origin_predicate
        if policy is None:
            policy, predicate = _policy(options, predicate)
        elif given := [name for name, value in options.items() if value != _DEFAULTS[name]]:
            raise TypeError(
                f"policy= holds every option: {', '.join(given)} cannot be given beside it"
            )
        super().__init__(app, policy, predicate, verdict_timeout, websocket, counters)
        # Servers look at __call__ to tell ASGI from WSGI, and find this coroutine function. They
        # call the object itself.
        vars(self)["__call__"] = MethodType(_awaited, self)
        # A native object has no signature of its own.
        vars(self)["__signature__"] = _SIGNATURE

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        refuse_overrides(cls, CORSMiddleware, _OF_STARLETTE)


class CORSOptions(TypedDict, total=False):
    """The options of CORSMiddleware, for type checkers."""

    allow_origins: Collection[str]
    allow_methods: Collection[str]
    allow_headers: Collection[str]
    allow_credentials: bool
    allow_origin_regex: Regex | None
    allow_private_network: bool
    expose_headers: Collection[str]
    max_age: int | None
    dangerously_allow: Collection[str]
    policy: Policy | SharedPolicy | None
    origin_predicate: Predicate | None
    verdict_timeout: float | None
    websocket: bool | Literal["public"]
    counters: Counters | None


async def _awaited(middleware: CORSMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
    await middleware(scope, receive, send)


_OWN = signature(_awaited)
_SIGNATURE = _OWN.replace(parameters=list(_OWN.parameters.values())[1:])

_OF_STARLETTE = {
    "is_allowed_origin": "origin_predicate=",
    "allow_explicit_origin": "policy=",
    "preflight_response": "policy=",
    "simple_response": "policy=",
    "send": "policy=, or a middleware outside",
}
_DEFAULTS: dict[str, Any] = {
    "allow_origins": (),
    "allow_methods": ("GET",),
    "allow_headers": (),
    "allow_credentials": False,
    "allow_origin_regex": None,
    "allow_private_network": False,
    "expose_headers": (),
    "max_age": 600,
    "dangerously_allow": (),
}


def _policy(
    options: dict[str, Any], predicate: Predicate | None
) -> tuple[Policy, Predicate | None]:
    """Starlette's options as a policy."""
    options = dict(options)
    names = {"allow_origin_regexes[0]": "allow_origin_regex"}
    regex = options.pop("allow_origin_regex")
    if regex is not None:
        options["allow_origin_regexes"] = [as_regex(regex)]
    methods = options["allow_methods"]
    if (_is_list(methods) and "*" in methods) or methods == "*":
        options["allow_methods"] = ALL_METHODS
    headers = options["allow_headers"]
    if headers == "*" or (_is_list(headers) and "*" in headers):
        # Starlette echoes every name, Authorization included. A literal "*" does not cover
        # Authorization: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
        options["allow_headers"] = ["*", "Authorization"]
    elif _is_list(headers):
        own = [
            (f"allow_headers[{i}]", name)
            for i, name in enumerate(headers)
            if not _is_safelisted(name)
        ]
        safe = [("allow_headers", name) for name in SAFELISTED_HEADERS]
        options["allow_headers"] = listed("allow_headers", by_text([*safe, *own]), names)
    # Without origins and regex nobody is allowed, as with Starlette, except by the predicate.
    origins = options["allow_origins"]
    nobody = _is_list(origins) and not origins and regex is None
    options["origin_predicate"] = predicate is not None or nobody
    options.update(preflight_status=200, denied_preflight_status=400)
    return build(options, names, lambda path: True), predicate


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset))


def _is_safelisted(name: Any) -> bool:
    return isinstance(name, str) and name.lower() in {safe.lower() for safe in SAFELISTED_HEADERS}


def install(app: Any, **options: Unpack[CORSOptions]) -> None:
    """Puts a CORSMiddleware around a whole FastAPI or Starlette application, in place.

    It stands outside of every other middleware, also of those that are added later, and outside of
    the handler of unhandled errors, so that a page can read their responses too. Takes the options
    of CORSMiddleware and raises what is wrong with them at once. A second `install` raises
    RuntimeError.
    """
    build = getattr(app, "build_middleware_stack", None)
    if build is None:
        raise TypeError(
            "install() takes a FastAPI or Starlette application, "
            f"not {type(app).__name__}: wrap it instead"
        )
    if getattr(app, "middleware_stack", None) is not None:
        raise RuntimeError("install() comes before the application has started")
    if hasattr(build, "_crossgate"):
        raise RuntimeError("crossgate is installed on this application already")
    middleware = CORSMiddleware(app, **options)

    def build_middleware_stack() -> ASGIApp:
        return middleware._around(build())  # pyright: ignore[reportPrivateUsage]

    build_middleware_stack._crossgate = True  # type: ignore[attr-defined]
    app.build_middleware_stack = build_middleware_stack
