"""CORS for aiohttp: one call for every route, those that do not exist included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, cast

from aiohttp import web

from ._crossgate import Counters, Decision, Policy, SharedPolicy
from ._origins import listed
from ._predicate import Predicate, ask_async
from ._problems import Problems, build

__all__ = ["setup"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def setup(
    app: web.Application,
    *,
    defaults: Mapping[str, Any] | None = None,
    policy: Policy | SharedPolicy | None = None,
    allow_origin_predicate: Predicate | None = None,
    predicate_timeout: float | None = 5.0,
    websocket: bool = False,
    counters: Counters | None = None,
    **options: Any,
) -> None:
    """Answers preflights and puts the CORS headers on every response of an application and its sub-applications.

    `policy`: a Policy or SharedPolicy; or its options by name, as Policy takes them.
    `defaults`: origins to their options, as aiohttp_cors.setup() takes them; one policy has one set of options.
    `allow_origin_predicate`: a function of the origin, plain or async, that is asked about well-formed origins which
    nothing else allows. Only True allows; what it raises is logged. An async one has `predicate_timeout` seconds.
    `websocket`: refuses WebSocket handshakes from origins that are not allowed, by the rules for credentials.
    `counters`: counts the decisions by reason.

    A sub-application may have a setup of its own, made before it is added, which then has the last word on its
    responses.
    """
    if not hasattr(app, "on_response_prepare"):
        raise TypeError(f"setup() takes an aiohttp.web.Application, not {type(app).__name__}")
    problems = Problems()
    names: dict[str, str] = {}
    if defaults is not None:
        own = options
        options = {**_of_aiohttp_cors(defaults, names, problems), **own}
        names = {path: name for path, name in names.items() if path.partition("[")[0] not in own}
    if policy is None:
        options.setdefault("host_origins", allow_origin_predicate is not None)
        policy = problems.attempt(lambda: build(options, names, lambda path: True))
        problems.raise_all()
    elif options:
        raise TypeError(f"policy= holds every option: {', '.join(options)} cannot be given beside it")
    live = policy.policy if isinstance(policy, SharedPolicy) else policy
    if allow_origin_predicate is not None and not live.document()["host_origins"]:
        raise ValueError("allow_origin_predicate is never asked by this policy: build it with host_origins=True")
    cors = _Cors(policy, allow_origin_predicate, predicate_timeout, websocket, counters)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await cors.middleware(request, handler)

    app.middlewares.insert(0, middleware)
    app.on_response_prepare.append(cors.prepare)


def _of_aiohttp_cors(defaults: object, names: dict[str, str], problems: Problems) -> dict[str, Any]:
    """The options of a policy; `names` then has where each stands."""
    if not isinstance(defaults, Mapping):
        problems.wrong_type("defaults", "a dict of origins to their options", defaults)
        return {}
    by_origin = cast("Mapping[Any, Any]", defaults)  # type: ignore[redundant-cast]
    options: dict[str, Any] = {}
    for origin, value in by_origin.items():
        place = f"defaults[{origin!r}]"
        # A ResourceOptions is a named tuple.
        own: Any = value._asdict() if hasattr(value, "_asdict") else value
        if not isinstance(own, Mapping):
            problems.wrong_type(place, "a dict or ResourceOptions", value)
            continue
        own = cast("Mapping[Any, Any]", own)  # type: ignore[redundant-cast]
        for name in own:
            if name not in _RESOURCE_OPTIONS:
                problems.unknown(place, f"{place}.{name}", name, own[name], _RESOURCE_OPTIONS)
        for name, default in _RESOURCE_OPTIONS.items():
            given = own.get(name, default)
            names.setdefault(name, f"{place}.{name}")
            if options.setdefault(name, given) != given:
                problems.add("duplicate_option", f"{place}.{name}", given, _ONE_SET)
    options = {**_RESOURCE_OPTIONS, **options}
    if options["allow_methods"] is None:
        # Every route's own there, each added by itself; here all routes are covered.
        options["allow_methods"] = _METHODS
    if options["allow_headers"] == "*" and options["allow_credentials"] is not True:
        # A literal "*" does not cover it.
        options["allow_headers"] = ["*", "Authorization"]
    placed = [(f"defaults[{origin!r}]", origin) for origin in by_origin if origin != "null"]
    origins = listed("allow_origins", placed, names)
    names["allow_null_origin"] = "defaults['null']"
    return {
        **options,
        "allow_origins": "*" if set(by_origin) == {"*"} else origins,
        "allow_null_origin": "null" in by_origin,
        "preflight_status": 200,
    }


_ONE_SET = (
    "a policy has one set of options for all its origins; give a sub-application a setup of its own where they differ"
)
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_RESOURCE_OPTIONS: dict[str, Any] = {
    "allow_credentials": False,
    "expose_headers": (),
    "allow_headers": (),
    "max_age": None,
    "allow_methods": None,
}


class _Answer(web.Response):
    """An answer of ours: no body."""


class _Cors:
    def __init__(
        self,
        policy: Policy | SharedPolicy,
        predicate: Predicate | None,
        timeout: float | None,
        websocket: bool,
        counters: Counters | None,
    ) -> None:
        self.policy = policy
        self.predicate = predicate
        self.timeout = timeout
        self.websocket = websocket
        self.counters = counters
        # Each setup keeps its own decision on the request.
        name = f"crossgate.{id(self)}"
        self.key: Any = web.RequestKey(name, Decision) if hasattr(web, "RequestKey") else name

    @property
    def live(self) -> Policy:
        return self.policy.policy if isinstance(self.policy, SharedPolicy) else self.policy

    async def decide(self, request: web.BaseRequest) -> Decision:
        """The decision about a request, made once."""
        known: Decision | None = request.get(self.key)
        if known is not None:
            return known
        headers = list(request.headers.items())
        verdict = await self.verdict(self.live.asks_host(request.method, headers))
        try:
            decision = self.policy.evaluate(request.method, headers, verdict)
        except ValueError:
            # Replaced meanwhile by one that asks nobody.
            decision = self.policy.evaluate(request.method, headers)
        if self.counters is not None:
            self.counters.record(decision)
        request[self.key] = decision
        return decision

    async def verdict(self, origin: str | None) -> Literal["allow", "deny"] | None:
        if origin is None or self.predicate is None:
            return None
        return "allow" if await ask_async(self.predicate, origin, self.timeout) else "deny"

    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers what the application is not asked."""
        if request.headers.get("upgrade", "").lower() == "websocket":
            if self.websocket and not await self.may_connect(request):
                return _Answer(status=403)
            return await handler(request)
        decision = await self.decide(request)
        return await handler(request) if decision.status is None else _Answer(status=decision.status)

    async def may_connect(self, request: web.Request) -> bool:
        live = self.live
        verdict = await self.verdict(live.asks_host(request.method, list(request.headers.items())))
        return live.check_websocket(request.headers.getall("origin", []), verdict=verdict) != "deny"

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Puts the headers on a response: a handler's, an error page, a file, a stream."""
        if isinstance(response, web.WebSocketResponse):
            return
        decision = await self.decide(request)
        theirs = list(response.headers.items())
        if self.counters is not None and decision.overwrites_upstream(theirs):
            self.counters.record_overwritten()
        response.headers.clear()
        response.headers.extend(decision.apply(theirs))
        if isinstance(response, _Answer):
            # aiohttp names a type for a body that there is not.
            response.headers.pop("Content-Type", None)
