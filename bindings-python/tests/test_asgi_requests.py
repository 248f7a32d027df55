"""What the middleware reads: scopes of every shape, and WebSocket handshakes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asgi_calls import (
    ACAO,
    EVIL,
    TYPE,
    VARY,
    A,
    application,
    headers,
    origin,
    receive,
    run,
    scope,
)
from crossgate import Policy
from crossgate.asgi import CORSMiddleware


class TestHostileScopes:
    MIDDLEWARE = CORSMiddleware(application(), [A])

    @pytest.mark.parametrize(
        "odd",
        [
            None,
            7,
            "origin",
            {"origin": A},
            [7, None, (), ("origin",), ("origin", A, 1), (b"origin", 7), (7, b"x"), (None, None)],
            [(b"\xff\xfe", b"\xff"), ("\u0101rigin", A), ("\udc80", "\udc80")],
            [(b"origin", b"\xff" * 100_000)],
            [(b"x-" + b"y" * 100_000, b"z" * 1_000_000)],
            [(b"x", b"y")] * 50_000,
        ],
        ids=lambda odd: repr(odd)[:40],
    )
    @pytest.mark.parametrize("method", ["GET", "OPTIONS", None, 7, "\udc80"])
    def test_nothing_is_raised(self, odd: Any, method: Any) -> None:
        asked = {"type": "http", "method": method, "headers": odd}
        assert headers(self.MIDDLEWARE, asked)[0] == TYPE

    def test_missing_fields(self) -> None:
        assert headers(self.MIDDLEWARE, {"type": "http"}) == [TYPE, (VARY, b"Origin")]

    @pytest.mark.parametrize(
        "pair",
        [
            ("Origin", A),
            ("origin", A.encode()),
            (b"ORIGIN", A),
            ["origin", A],
            (b"origin", f" {A}\t".encode()),
        ],
    )
    def test_mixed_types(self, pair: Any) -> None:
        assert (ACAO, A.encode()) in headers(self.MIDDLEWARE, scope((b"accept", "*/*"), pair))

    @pytest.mark.parametrize("value", ["\u0101", "https://a.ex\u0430mple", "\udc80"])
    def test_beyond_latin_1(self, value: str) -> None:
        assert headers(self.MIDDLEWARE, scope(("origin", value))) == [TYPE, (VARY, b"Origin")]

    def test_several_origins(self) -> None:
        assert headers(self.MIDDLEWARE, scope(origin(A), origin(A))) == [TYPE, (VARY, b"Origin")]

    def test_headers_that_are_read_once(self) -> None:
        def once() -> Iterator[Any]:
            yield origin(A)
            yield (b"x", b"y")
            raise ZeroDivisionError

        seen: list[Any] = []
        asked = {"type": "http", "method": "GET", "headers": once()}
        got = headers(CORSMiddleware(application(seen=seen), [A]), asked)
        # What came after the failure is not known, so nobody is allowed.
        assert ACAO not in dict(got)
        assert seen[0]["headers"] == [origin(A), (b"x", b"y")]

    def test_the_scope_is_the_same_object(self) -> None:
        seen: list[Any] = []
        asked = scope(origin(A))
        run(CORSMiddleware(application(seen=seen), [A]), asked)
        assert seen[0] is asked

    @pytest.mark.parametrize(
        "other", [{"type": "lifespan"}, {"type": "websocket", "headers": []}, {}, [], None]
    )
    def test_other_scopes_are_passed_on_whole(self, other: Any) -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.extend([scope, send])

        async def send(message: Any) -> None:
            pass

        async def main() -> None:
            await CORSMiddleware(app, [A])(other, receive, send)

        asyncio.run(main())
        assert seen[0] is other
        assert seen[1] is send


class TestWebSockets:
    @staticmethod
    def ask(asked_origin: str | None, websocket: Any, policy: Policy, **more: Any) -> list[Any]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})

        found = [] if asked_origin is None else [origin(asked_origin)]
        return run(
            CORSMiddleware(app, policy=policy, websocket=websocket),
            {"type": "websocket", "headers": found, **more},
        )

    POLICY = Policy(allow_origins=[A])
    ANY = Policy(allow_origins="*")
    CLOSED: list[Any] = [{"type": "websocket.close", "code": 1008, "reason": "origin not allowed"}]  # noqa: RUF012
    ACCEPTED: list[Any] = [{"type": "websocket.accept"}]  # noqa: RUF012

    @pytest.mark.parametrize(
        ("value", "websocket", "policy", "accepted"),
        [
            (EVIL, False, POLICY, True),
            (EVIL, True, POLICY, False),
            (A, True, POLICY, True),
            (None, True, POLICY, True),
            (A, True, ANY, False),
            (A, "public", ANY, True),
        ],
    )
    def test_handshakes(self, value: Any, websocket: Any, policy: Policy, accepted: bool) -> None:
        assert self.ask(value, websocket, policy) == (self.ACCEPTED if accepted else self.CLOSED)

    def test_denied_with_a_response(self) -> None:
        start, body = self.ask(EVIL, True, self.POLICY, extensions={"websocket.http.response": {}})
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
        assert body == {"type": "websocket.http.response.body", "body": b""}

    def test_predicates_are_asked(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})

        async def predicate(origin: str) -> bool:
            return origin == A

        middleware = CORSMiddleware(app, websocket=True, origin_predicate=predicate)
        for value, expected in ((A, self.ACCEPTED), (EVIL, self.CLOSED)):
            assert run(middleware, {"type": "websocket", "headers": [origin(value)]}) == expected
