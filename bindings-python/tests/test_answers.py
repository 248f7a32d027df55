"""What an application's function answered, in Python's values."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from asgi_calls import ACAO, A, application, headers, origin, scope
from crossgate import Counters, Policy
from crossgate.asgi import CORSMiddleware as ASGI
from crossgate.flask import CORS
from crossgate.wsgi import CORSMiddleware as WSGI
from flask import Flask

VECTORS = Path(__file__).parents[2] / "tests" / "vectors" / "answers.jsonl"


def value(spelled: Any) -> Any:
    """An answer as a vector spells it, in Python."""
    if isinstance(spelled, list):
        return [value(item) for item in spelled]
    if not isinstance(spelled, dict):
        return spelled
    if "regex" in spelled:
        return re.compile(spelled["regex"], re.IGNORECASE if spelled["flags"] == "i" else 0)
    return object()


def test_the_vectors() -> None:
    vectors = [json.loads(line) for line in VECTORS.read_text(encoding="ascii").splitlines()]
    assert len(vectors) > 180
    for vector in vectors:
        policy, asked, socket = Policy(**vector["policy"]), vector["origin"], vector.get("socket")
        try:
            answer = value(vector["answer"])
        except re.error:
            # Python itself refuses some regexes.
            continue
        judged, fault = policy._judge(asked, answer, socket == "private")
        verdict: Any = "allow" if judged else "deny"
        if socket is None:
            allows = policy.evaluate("GET", [("Origin", asked)], verdict).allowed
        else:
            allows = policy.check_websocket([asked], socket == "public", verdict) == "allow"
        found = (vector["id"], "allow" if allows else "deny", fault is not None)
        assert found == (vector["id"], vector["expect"], vector["told"])


class Text(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class Everything(list):  # type: ignore[type-arg]
    def __contains__(self, item: object) -> bool:
        return True


class Truthy:
    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


class Hostile:
    @property
    def __class__(self) -> Any:
        raise RuntimeError("looked at")


def generator() -> Any:
    yield A


ODD = [
    0,
    1,
    1.0,
    b"https://a.example",
    bytearray(b"https://a.example"),
    {A: True},
    Truthy(),
    object(),
    generator(),
    iter([A]),
    re.compile(rb"https://a\.example"),
    lambda origin: True,
    re.fullmatch("x", "x"),
    Ellipsis,
    NotImplemented,
]


def wsgi(answer: Any, **options: Any) -> str | None:
    """Whom a WSGI application allows."""
    found: list[Any] = []
    app = WSGI(
        lambda environ, start: [start("200 OK", []) or b""],
        origin_predicate=lambda origin: answer,
        **options,
    )
    app(
        {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": A},
        lambda status, headers, exc_info=None: found.extend(headers),
    )
    return dict(found).get("Access-Control-Allow-Origin")


def flask(answer: Any, **options: Any) -> str | None:
    """Whom a Flask application allows."""
    app = Flask("answers")
    credentials = options.pop("allow_credentials", False)
    CORS(app, origins=[lambda origin: answer], supports_credentials=credentials, **options)
    app.add_url_rule("/", "index", lambda: "x")
    return (
        app.test_client().get("/", headers={"Origin": A}).headers.get("Access-Control-Allow-Origin")
    )


def asgi(answer: Any, **options: Any) -> str | None:
    """Whom an ASGI application allows."""
    middleware = ASGI(application(), origin_predicate=lambda origin: answer, **options)
    allowed = dict(headers(middleware, scope(origin(A)))).get(ACAO)
    return None if allowed is None else str(allowed, "ascii")


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize("ask", [wsgi, asgi, flask])
@pytest.mark.parametrize("answer", ODD, ids=lambda answer: type(answer).__name__)
def test_what_is_no_answer_denies_and_is_told(
    answer: Any, ask: Any, credentials: bool, caplog: pytest.LogCaptureFixture
) -> None:
    counters = Counters()
    assert ask(answer, allow_credentials=credentials, counters=counters) is None
    assert counters.predicate_failed == 1
    assert type(answer).__name__ in caplog.text
    assert "\ncrossgate_predicate_failed_total 1\n" in counters.to_prometheus()


@pytest.mark.parametrize("ask", [wsgi, asgi, flask])
def test_a_hostile_value_denies(ask: Any) -> None:
    counters = Counters()
    assert ask(Hostile(), counters=counters) is None
    assert counters.predicate_failed == 1


@pytest.mark.parametrize("ask", [wsgi, asgi, flask])
def test_text_and_lists_are_what_they_hold(ask: Any) -> None:
    """And not what a class says that they are."""
    assert ask(Text(A)) == A
    assert ask(Text("https://b.example")) is None
    assert ask(Everything()) is None
    assert ask(Everything([A])) == A
    for kind in (tuple, set, frozenset):
        assert ask(kind([A])) == A
        assert ask(kind(["https://b.example"])) is None


@pytest.mark.parametrize("ask", [wsgi, asgi, flask])
def test_star_is_no_answer_with_credentials(ask: Any) -> None:
    assert ask("*") == A
    assert ask("*", allow_credentials=True) is None
    assert ask(["*"]) is None
    assert ask([True]) is None


def test_a_handshake_is_read_as_with_credentials() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    def connects(answer: Any, websocket: Any) -> bool:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        middleware = ASGI(app, origin_predicate=lambda origin: answer, websocket=websocket)
        handshake = {"type": "websocket", "headers": [(b"origin", A.encode())]}
        asyncio.run(middleware(handshake, receive, send))  # type: ignore[arg-type]
        return sent == ["websocket.accept"]

    everybody = re.compile(r"https://.*")
    assert [connects(answer, True) for answer in (True, A, [A], "*", everybody)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [connects(answer, "public") for answer in ("*", everybody)] == [True, True]


def test_an_answer_that_must_be_awaited_denies_where_nothing_can_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def later() -> bool:
        return True

    counters = Counters()
    assert wsgi(later(), counters=counters) is None
    assert counters.predicate_failed == 1
    assert "make it a plain function" in caplog.text


def test_a_predicate_that_cancels_itself_does_not_cancel_the_request() -> None:
    async def cancelled(origin: str) -> bool:
        raise asyncio.CancelledError

    def at_once(origin: str) -> bool:
        raise asyncio.CancelledError

    for predicate in (cancelled, at_once):
        counters = Counters()
        middleware = ASGI(application(), origin_predicate=predicate, counters=counters)
        assert dict(headers(middleware, scope(origin(A)))).get(ACAO) is None
        assert counters.predicate_failed == 1


def test_a_predicate_that_swallows_its_cancellation_is_left_behind() -> None:
    async def stubborn(origin: str) -> bool:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.2)
        return True

    middleware = ASGI(application(), origin_predicate=stubborn, verdict_timeout=0.01)
    assert dict(headers(middleware, scope(origin(A)))).get(ACAO) is None
