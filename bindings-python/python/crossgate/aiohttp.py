"""CORS for aiohttp: one call covers every route, and the 404 of those that do not exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from aiohttp import web

from ._crossgate import Counters, Decision, Policy, SharedPolicy
from ._options.origins import listed
from ._options.predicate import Predicate, ask_async
from ._options.problems import Problems, build

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._crossgate import PolicyOptions

__all__ = ["setup"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def setup(
    app: web.Application,
    *,
    defaults: Mapping[str, Any] | None = None,
    policy: Policy | SharedPolicy | None = None,
    origin_predicate: Predicate | None = None,
    verdict_timeout: float | None = 5.0,
    websocket: bool | Literal["public"] = False,
    counters: Counters | None = None,
    **typed: Unpack[PolicyOptions],
) -> None:
    """Answers preflights and puts the CORS headers on every response of an application.

    Sub-applications are covered too. One that had a `setup` of its own before it was added has the
    last word on its responses.

    `policy`: a Policy or SharedPolicy; or give its options by name, as Policy takes them.
    `defaults`: origins to their options, as aiohttp_cors.setup() takes them. All origins have the
    same options, because a policy has one set of them.
    `origin_predicate`: a function of the origin, plain or async, that is called with well-formed
    origins that nothing else allows. It answers as that of `crossgate.asgi`. An async function has
    `verdict_timeout` seconds.
    `websocket`: True refuses WebSocket handshakes from origins that are not allowed, by the rules
    for credentials. "public" refuses them by the policy's own rules, for sockets that serve
    everybody alike and read no cookie.
    `counters`: counts the decisions by reason.
    """
    if not hasattr(app, "on_response_prepare"):
        raise TypeError(f"setup() takes an aiohttp.web.Application, not {type(app).__name__}")
    if websocket not in (True, False, "public"):
        raise ValueError(f'websocket must be False, True or "public", not {websocket!r}')
    problems = Problems()
    names: dict[str, str] = {}
    options: dict[str, Any] = dict(typed)
    if defaults is not None:
        own = options
        options = {**_of_aiohttp_cors(defaults, names, problems), **own}
        names = {path: name for path, name in names.items() if path.partition("[")[0] not in own}
    if policy is None:
        options.setdefault("origin_predicate", origin_predicate is not None)
        policy = problems.attempt(lambda: build(options, names, lambda path: True))
        problems.raise_all()
    elif options:
        raise TypeError(
            f"policy= holds every option: {', '.join(options)} cannot be given beside it"
        )
    live = policy.policy if isinstance(policy, SharedPolicy) else policy
    if origin_predicate is not None and not live.document()["origin_predicate"]:
        raise ValueError(
            "this policy never calls origin_predicate: build it with origin_predicate=True"
        )
    cors = _Cors(policy, origin_predicate, verdict_timeout, websocket, counters)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await cors.middleware(request, handler)

    app.middlewares.insert(0, middleware)
    app.on_response_prepare.append(cors.prepare)


def _of_aiohttp_cors(defaults: object, names: dict[str, str], problems: Problems) -> dict[str, Any]:
    """The options of a policy. Adds the place of each to `names`."""
    if not isinstance(defaults, Mapping):
        problems.wrong_type("defaults", "a dict of origins to their options", defaults)
        return {}
    by_origin = cast("Mapping[Any, Any]", defaults)  # type: ignore[redundant-cast]
    options: dict[str, Any] = {}
    for origin, value in by_origin.items():
        place = f"defaults[{origin!r}]"
        if problems.unset(place, origin):
            continue
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
        # aiohttp-cors takes the methods of each route, which is added by itself. This covers all.
        options["allow_methods"] = _METHODS
    if options["allow_headers"] == "*" and options["allow_credentials"] is not True:
        # https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
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
    "a policy has one set of options for all its origins; "
    "give a sub-application a setup of its own where they differ"
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
    """A response without a body, made by this module."""


class _Cors:
    def __init__(
        self,
        policy: Policy | SharedPolicy,
        predicate: Predicate | None,
        timeout: float | None,
        websocket: bool | Literal["public"],
        counters: Counters | None,
    ) -> None:
        self.policy = policy
        self.predicate = predicate
        self.timeout = timeout
        self.websocket = websocket
        self.counters = counters
        # Each setup stores its own decision in the request.
        name = f"crossgate.{id(self)}"
        self.key: Any = web.RequestKey(name, Decision) if hasattr(web, "RequestKey") else name

    @property
    def live(self) -> Policy:
        return self.policy.policy if isinstance(self.policy, SharedPolicy) else self.policy

    async def decide(self, request: web.BaseRequest) -> Decision:
        """The decision about a request, which is made once."""
        known: Decision | None = request.get(self.key)
        if known is not None:
            return known
        headers = list(request.headers.items())
        verdict = await self.verdict(self.live, request.method, headers)
        return self.settle(request, headers, verdict)

    def settle(
        self,
        request: web.BaseRequest,
        headers: list[tuple[str, str]],
        verdict: Literal["allow", "deny"] | None,
    ) -> Decision:
        """The decision with this verdict, which is counted and remembered."""
        try:
            decision = self.policy.evaluate(request.method, headers, verdict)
        except ValueError:
            # The policy was replaced meanwhile by one that takes no verdict.
            decision = self.policy.evaluate(request.method, headers)
        if self.counters is not None:
            self.counters.record(decision)
        request[self.key] = decision
        return decision

    async def verdict(
        self, live: Policy, method: str, headers: list[tuple[str, str]], handshake: bool = False
    ) -> Literal["allow", "deny"] | None:
        """What the predicate says, if the request needs its verdict."""
        if self.predicate is None:
            return None
        origin = live.needs_verdict(method, headers)
        if origin is None:
            return None
        allowed = await ask_async(
            self.predicate,
            origin,
            self.timeout,
            lambda origin, answer: live._judge(origin, answer, handshake),  # pyright: ignore[reportPrivateUsage]
        )
        if allowed is None and self.counters is not None:
            self.counters.record_predicate_failed()
        return "allow" if allowed else "deny"

    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers preflights and what is rejected, and passes other requests on."""
        if request.headers.get("upgrade", "").lower() == "websocket":
            if self.websocket and not await self.may_connect(request):
                return _Answer(status=403)
            return await handler(request)
        decision = await self.decide(request)
        return (
            await handler(request) if decision.status is None else _Answer(status=decision.status)
        )

    async def may_connect(self, request: web.Request) -> bool:
        live = self.live
        headers = list(request.headers.items())
        is_public = self.websocket == "public"
        verdict = await self.verdict(live, request.method, headers, handshake=not is_public)
        origins = request.headers.getall("origin", [])
        if live.check_websocket(origins, is_public, verdict) != "deny":
            return True
        # For the headers of the refusal: the application is asked once.
        self.settle(request, headers, verdict and "deny")
        return False

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Puts the headers on a response, whoever made it."""
        if isinstance(response, web.WebSocketResponse):
            return
        decision = await self.decide(request)
        theirs = list(response.headers.items())
        if self.counters is not None and decision.overwrites_upstream(theirs):
            self.counters.record_overwrote_upstream()
        response.headers.clear()
        response.headers.extend(decision.apply(theirs))
        if isinstance(response, _Answer):
            # aiohttp adds a type although there is no body.
            response.headers.pop("Content-Type", None)
