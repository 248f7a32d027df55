"""Origin predicates, and policies that are replaced while serving."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from asgi_calls import (
    ACAO,
    EVIL,
    TYPE,
    VARY,
    A,
    B,
    application,
    headers,
    origin,
    preflight,
    receive,
    run,
    scope,
)
from crossgate import Policy, SharedPolicy
from crossgate.asgi import CORSMiddleware


class TestPredicates:
    @staticmethod
    def ask(predicate: Any, asked: Any = None, **options: Any) -> Any:
        middleware = CORSMiddleware(application(), [B], origin_predicate=predicate, **options)
        return dict(headers(middleware, asked or scope(origin(A)))).get(ACAO)

    def test_plain_and_async(self) -> None:
        async def later(origin: str) -> bool:
            await asyncio.sleep(0)
            return origin == A

        assert self.ask(lambda origin: origin == A) == A.encode()
        assert self.ask(later) == A.encode()
        assert self.ask(later, scope(origin(EVIL))) is None

    def test_preflights_ask_too(self) -> None:
        assert self.ask(lambda origin: True, preflight(A)) == A.encode()

    @pytest.mark.parametrize(
        ("answer", "told"),
        [(None, False), (False, False), ("yes", False), (B, False), (1, True), (object(), True)],
    )
    def test_it_denies(self, answer: Any, told: bool, caplog: pytest.LogCaptureFixture) -> None:
        async def later(origin: str) -> Any:
            return answer

        for predicate in (lambda origin: answer, later):
            assert self.ask(predicate) is None
            assert ("a value of type" in caplog.text) is told

    @pytest.mark.parametrize("answer", [True, A, [A], re.compile(r"https://a\.example")])
    def test_it_allows(self, answer: Any) -> None:
        async def later(origin: str) -> Any:
            return answer

        for predicate in (lambda origin: answer, later):
            assert self.ask(predicate) == A.encode()

    def test_the_request_is_read_once(self) -> None:
        seen: list[Any] = []
        asked = scope()
        asked["headers"] = iter([origin(A)])
        middleware = CORSMiddleware(
            application(seen=seen), [B], origin_predicate=lambda origin: origin == A
        )
        assert dict(headers(middleware, asked))[ACAO] == A.encode()
        assert seen[0]["headers"] == [origin(A)]

    def test_what_it_raises_denies(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self.ask(lambda origin: 1 / 0) is None
        assert "ZeroDivisionError" in caplog.text

    def test_it_has_its_time(self, caplog: pytest.LogCaptureFixture) -> None:
        async def never(origin: str) -> bool:
            await asyncio.sleep(3600)
            return True

        assert self.ask(never, verdict_timeout=0.01) is None
        assert "TimeoutError" in caplog.text

    def test_it_may_take_its_time(self) -> None:
        async def slow(origin: str) -> bool:
            await asyncio.sleep(0.01)
            return True

        assert self.ask(slow, verdict_timeout=None) == A.encode()

    def test_on_trio(self, caplog: pytest.LogCaptureFixture) -> None:
        """The other loop that ASGI servers run on."""
        trio = pytest.importorskip("trio")
        sent: list[Any] = []

        async def predicate(origin: str) -> bool:
            await trio.sleep(0 if origin == A else 3600)
            return True

        async def send(message: Any) -> None:
            await trio.sleep(0)
            sent.append(message)

        # A busy machine may take long over the one that answers at once.
        for value, seconds in ((A, 120), (EVIL, 0.05)):
            middleware = CORSMiddleware(
                application(), origin_predicate=predicate, verdict_timeout=seconds
            )
            trio.run(middleware, scope(origin(value)), receive, send)
            trio.run(middleware, preflight(value, "GET"), receive, send)
        starts = [message for message in sent if message["type"] == "http.response.start"]
        assert [(start["status"], dict(start["headers"]).get(ACAO)) for start in starts] == [
            (200, A.encode()),
            (200, A.encode()),
            (200, None),
            (400, None),
        ]
        assert "TooSlowError" in caplog.text

    @pytest.mark.parametrize(
        "value", ["null", "https://a.example/", "", B, f"{A}, {B}", "HTTPS://A.EXAMPLE"]
    )
    def test_it_is_not_asked(self, value: str) -> None:
        def predicate(origin: str) -> bool:
            raise AssertionError(origin)

        assert self.ask(predicate, scope(origin(value))) == (B.encode() if value == B else None)
        assert self.ask(predicate, scope()) is None

    def test_with_a_policy(self) -> None:
        middleware = CORSMiddleware(
            application(),
            policy=Policy(origin_predicate=True),
            origin_predicate=lambda origin: origin == A,
        )
        assert (ACAO, A.encode()) in headers(middleware, scope(origin(A)))


class TestSharedPolicies:
    def test_swapped_while_serving(self) -> None:
        shared = SharedPolicy(Policy(allow_origins=[A]))
        middleware = CORSMiddleware(application(), policy=shared)
        assert (ACAO, A.encode()) in headers(middleware, scope(origin(A)))
        shared.replace(Policy(allow_origins=[B]))
        assert middleware.policy == Policy(allow_origins=[B])
        assert headers(middleware, scope(origin(A))) == [TYPE, (VARY, b"Origin")]
        assert (ACAO, B.encode()) in headers(middleware, scope(origin(B)))

    def test_shadows_are_told(self) -> None:
        shared = SharedPolicy(Policy(allow_origins=[A]))
        differences: list[Any] = []
        shared.set_shadow(
            Policy(allow_origins=[B]),
            lambda difference, request: differences.append((difference, request)),
        )
        middleware = CORSMiddleware(application(), policy=shared)
        assert (ACAO, A.encode()) in headers(middleware, scope(origin(A)))
        run(middleware, scope(origin(EVIL)))
        ((difference, request),) = differences
        assert (request.method, request.headers) == ("GET", (("origin", A),))
        live, shadow = difference.live, difference.shadow
        assert (live.reason, shadow.reason) == ("allowed", "origin_not_listed")

    def test_a_swap_while_the_predicate_is_asked(self) -> None:
        shared = SharedPolicy(Policy(origin_predicate=True))

        async def predicate(origin: str) -> bool:
            shared.replace(Policy(allow_origins=[B]))
            return True

        # A request goes on with the policy that it began with.
        middleware = CORSMiddleware(application(), policy=shared, origin_predicate=predicate)
        assert headers(middleware, scope(origin(A))) == [
            TYPE,
            (ACAO, A.encode()),
            (VARY, b"Origin"),
        ]
        assert headers(middleware, scope(origin(A))) == [TYPE, (VARY, b"Origin")]
