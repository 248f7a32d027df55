"""Code for type checkers. A line that must not pass is marked. Never run."""

import re
from pathlib import Path
from typing import Optional, Union

from crossgate import Counters, Decision, Policy, PolicyError, Problem, SharedPolicy
from crossgate.asgi import ASGIApp, CORSMiddleware, Receive, Scope, Send
from typing_extensions import assert_type

policy = Policy(
    allow_origins=["https://a.example"],
    allow_methods={"PUT", "DELETE"},
    allow_headers="*",
    allow_credentials=True,
    max_age=None,
    denied_actual="reject",
    own_origins=("https://own.example",),
    dangerously_allow=["insecure_origins_with_credentials"],
)
assert_type(Policy.from_json("{}"), Policy)
assert_type(Policy.from_file(Path("policy.toml")), Policy)
assert_type(Policy.from_env("CORS"), Policy)
assert_type(policy.warnings, tuple[Problem, ...])

decision = policy.evaluate("GET", [("Origin", "https://a.example")])
assert_type(decision, Decision)
assert_type(decision.headers, tuple[tuple[str, str], ...])
assert_type(decision.allowed, Optional[bool])
assert_type(decision.status, Optional[int])

raw: list[tuple[bytes, bytes]] = [(b"content-type", b"text/plain")]
assert_type(policy.evaluate(b"GET", raw).apply(raw), list[tuple[bytes, bytes]])
assert_type(decision.apply([("content-type", "text/plain")]), list[tuple[str, str]])

mixed: list[tuple[Union[str, bytes], Union[str, bytes]]] = [("Origin", b"https://a.example")]
policy.evaluate("GET", mixed, verdict="allow")
policy.evaluate("GET", {"Origin": "https://a.example"}.items(), None)
assert_type(policy.needs_verdict("GET", mixed), Optional[str])
verdict: str = policy.check_websocket(None, public=True)
policy.check_websocket(["https://a.example", b"https://b.example"])

try:
    Policy()
except PolicyError as error:
    assert_type(error.problems, tuple[Problem, ...])
    assert_type(error.problems[0].hint, Optional[str])

if decision.action == "answer":
    text: str = decision.reason

shared = SharedPolicy(policy)
assert_type(shared.policy, Policy)
assert_type(shared.shadow, Optional[Policy])
shared.set_shadow(
    policy,
    lambda difference, request: print(
        difference.live.reason, difference.shadow.reason, request.method, request.headers
    ),
)
shared.replace_document({"allow_origins": ["https://a.example"]})
shared.replace_file(Path("policy.toml"))
counters = Counters()
counters.record(shared.evaluate("GET", []))
assert_type(counters.as_dict(), dict[str, int])


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204})


async def predicate(origin: str) -> bool:
    return origin == "https://a.example"


middleware = CORSMiddleware(
    application,
    allow_origins=["https://a.example"],
    allow_origin_regex=re.compile("https://b"),
    origin_predicate=predicate,
    websocket="public",
    counters=counters,
)
wrapped: ASGIApp = CORSMiddleware(middleware, policy=shared)
assert_type(middleware.policy, Policy)

# An ignore that is not needed is an error: each of these lines must be one.
Policy({"allow_origins": "*"})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Policy(allow_origin=["https://a.example"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Policy(allow_methods="PUT", max_age="600")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
policy.evaluate("GET", [], verdict="maybe")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
policy.evaluate("GET", {"Origin": "https://a.example"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
decision.allowed = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
CORSMiddleware(application, websocket="check")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
CORSMiddleware(application, policy={})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
shared.replace({})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
