"""Preflights: answered, remembered, and the awaitable of the answer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from typing import Any

import pytest
from asgi_calls import (
    ACAO,
    EVIL,
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
from crossgate import Counters, Policy, SharedPolicy
from crossgate.asgi import CORSMiddleware


class TestPreflights:
    MIDDLEWARE = CORSMiddleware(application(), [A], ["PUT"], ["X-Token"])

    def test_allowed(self) -> None:
        start, body = run(
            self.MIDDLEWARE, preflight(A, "PUT", (b"access-control-request-headers", b"x-token"))
        )
        assert start["status"] == 200
        assert start["headers"] == [
            (ACAO, A.encode()),
            (b"access-control-allow-methods", b"PUT"),
            (
                b"access-control-allow-headers",
                b"Accept, Accept-Language, Content-Language, Content-Type, X-Token",
            ),
            (b"access-control-max-age", b"600"),
            (VARY, b"Origin, Access-Control-Request-Method"),
            (b"content-length", b"0"),
        ]
        assert body == {"type": "http.response.body", "body": b""}

    def test_denied(self) -> None:
        start, _ = run(self.MIDDLEWARE, preflight(EVIL))
        assert (start["status"], dict(start["headers"]).get(ACAO)) == (400, None)

    def test_204_has_no_length(self) -> None:
        start, _ = run(
            CORSMiddleware(application(), policy=Policy(allow_origins=[A])), preflight(A)
        )
        assert start["status"] == 204
        assert b"content-length" not in dict(start["headers"])

    def test_the_application_is_not_asked(self) -> None:
        seen: list[Any] = []
        run(CORSMiddleware(application(seen=seen), [A]), preflight(A))
        assert seen == []

    def test_the_answer_is_a_coroutine(self) -> None:
        """Some servers and test clients make a task of it."""

        async def main() -> None:
            async def send(message: Any) -> None:
                pass

            await asyncio.create_task(self.MIDDLEWARE(preflight(A), receive, send))  # type: ignore[arg-type]

        asyncio.run(main())

    def test_echoed_lists(self) -> None:
        echo = Policy(
            allow_origins=[A], allow_methods="*", allow_headers="*", allow_credentials=True
        )
        middleware = CORSMiddleware(application(), policy=echo)
        got = dict(
            headers(
                middleware, preflight(A, "PATCH", (b"access-control-request-headers", b"X-B,x-a"))
            )
        )
        assert (got[b"access-control-allow-methods"], got[b"access-control-allow-headers"]) == (
            b"PATCH",
            b"x-b, x-a",
        )
        got = dict(headers(middleware, preflight(A, "PATCH")))
        assert b"access-control-allow-headers" not in got
        assert got[VARY] == b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

    def test_every_headers_rejected_is_a_403(self) -> None:
        policy = Policy(allow_origins=[A], denied_actual="reject", own_origins=[B])
        seen: list[Any] = []
        start, body = run(
            CORSMiddleware(application(seen=seen), policy=policy), scope(origin(EVIL))
        )
        assert (start["status"], start["headers"], body["body"]) == (
            403,
            [(VARY, b"Origin"), (b"content-length", b"0")],
            b"",
        )
        assert seen == []


class TestRememberedPreflights:
    """Allowed preflights are remembered, and those with too many names. Only the time shows it."""

    NAMES = b"access-control-request-headers"
    POLICY = Policy(
        allow_origins=[A, B], allow_methods=["PUT"], allow_headers="*", allow_credentials=True
    )
    # Their decisions depend on different values of the request.
    POLICIES = (
        POLICY,
        Policy(allow_origins="*", allow_methods=["PUT"], allow_headers=["X-A"]),
        Policy(allow_origins="*", allow_methods="*", allow_headers="*"),
        Policy(allow_origins=[A], single_origin="static", allow_headers=["X-A"]),
        Policy(allow_origins=["https://*.example"], allow_private_network=True),
        Policy(allow_origins=[A], allow_methods="*", allow_headers="*", allow_credentials=True),
        Policy(allow_origins=[B], origin_predicate=True, allow_methods=["PUT"]),
    )
    PREFLIGHTS = (
        preflight(A),
        preflight(B),
        preflight(EVIL),
        preflight(A, "PATCH"),
        preflight(A, "put"),
        preflight(A, "PUT", (NAMES, b"x-a")),
        preflight(A, "PUT", (NAMES, b"x-b")),
        *(
            preflight(A, "PUT", (b"access-control-request-headers", b"x-%02d" % number))
            for number in range(40)
        ),
        preflight(A, "PUT", (NAMES, b"")),
        preflight(A, "PUT", (NAMES, b"x-a"), (NAMES, b"x-b")),
        preflight(A, "PUT", (NAMES, b"x-" + b"a" * 2000)),
        preflight(A, "PUT", (NAMES, b"x," * 2500)),
        preflight(A, "PUT", (NAMES, b"," * 5000)),
        preflight(A, "PATCH", (NAMES, b"," * 5000)),
        preflight(EVIL, "PUT", (NAMES, b"," * 5000)),
        preflight(B, "PUT", (NAMES, b"," * 5000)),
        preflight(A, "PUT", (NAMES, b"," * 4096)),
        preflight(A, "PUT", (NAMES, b"," * 65)),
        preflight(A, "PUT", ("access-control-request-headers", "x-b")),
        preflight(A, "PUT", (b"access-control-request-private-network", b"true")),
        preflight(A, "PUT", (b"access-control-request-private-network", b"false")),
        preflight(A, "GET", (b"access-control-request-private-network", b"true")),
        preflight(A, "GET"),
        preflight(A, "HEAD"),
        preflight(A, "PUT", origin(B)),
        {**preflight(A), "method": "GET"},
    )

    @pytest.mark.parametrize("policy", POLICIES)
    def test_the_answer_is_its_own(self, policy: Policy) -> None:
        # Middlewares that remember nothing.
        alone = [
            run(CORSMiddleware(application(), policy=policy), asked) for asked in self.PREFLIGHTS
        ]
        middleware = CORSMiddleware(application(), policy=policy)
        for first in self.PREFLIGHTS:
            for asked, expected in zip(self.PREFLIGHTS, alone):
                run(middleware, first)
                assert run(middleware, asked) == expected, (first, asked)

    def test_it_is_counted_and_shadowed(self) -> None:
        counters, shared, differences = Counters(), SharedPolicy(self.POLICY), []
        middleware = CORSMiddleware(application(), policy=shared, counters=counters)
        shared.set_shadow(
            Policy(allow_origins=[B]),
            lambda difference, _: differences.append(difference.shadow.reason),
        )
        for _ in range(3):
            run(middleware, preflight(A))
        assert (counters.as_dict()["allowed"], differences) == (3, ["origin_not_listed"] * 3)
        shared.replace(Policy(allow_origins=[B]))
        assert ACAO not in dict(headers(middleware, preflight(A)))


class TestTheAnswerIsAwaited:
    """As if it were `async def` with two `await send(...)`."""

    MIDDLEWARE = CORSMiddleware(application(), [A])

    def begin(self, send: Any) -> Any:
        return self.MIDDLEWARE(preflight(A, "GET"), receive, send)

    def test_while_send_waits(self) -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            await asyncio.sleep(0.001)
            sent.append(message["type"])

        async def main() -> None:
            await self.begin(send)
            await asyncio.create_task(self.begin(send))
            await asyncio.wait_for(self.begin(send), 120)

        asyncio.run(main())
        assert sent == ["http.response.start", "http.response.body"] * 3

    def test_send_may_return_any_awaitable(self) -> None:
        sent: list[Any] = []
        loop = asyncio.new_event_loop()

        def future(message: Any) -> Any:
            sent.append(message)
            done = loop.create_future()
            loop.call_soon(done.set_result, None)
            return done

        class Bare:
            def __init__(self, message: Any) -> None:
                sent.append(message)

            def __await__(self) -> Any:
                return iter(())

        loop.run_until_complete(loop.create_task(self.begin(future)))
        loop.run_until_complete(loop.create_task(self.begin(Bare)))
        loop.close()
        assert [message["type"] for message in sent] == [
            "http.response.start",
            "http.response.body",
        ] * 2
        with pytest.raises(AttributeError, match="__await__"):
            asyncio.run(self.wait(self.begin(lambda message: None)))

    @staticmethod
    async def wait(answer: Any) -> None:
        await answer

    @pytest.mark.parametrize("direct", [True, False])
    def test_cancelled(self, direct: bool) -> None:
        seen: list[Any] = []

        async def send(message: Any) -> None:
            seen.append(message["type"])
            try:
                await asyncio.sleep(3600)
            finally:
                seen.append("cancelled")

        async def main() -> None:
            answer = self.begin(send)
            task: Any = asyncio.create_task(answer if direct else self.wait(answer))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(RuntimeError, match="cannot reuse"):
                await answer

        asyncio.run(main())
        assert seen == ["http.response.start", "cancelled"]

    def test_a_send_that_swallows_what_is_thrown(self) -> None:
        seen: list[Any] = []

        async def send(message: Any) -> None:
            seen.append(message["type"])
            with contextlib.suppress(KeyError):
                await Yielding()

        class Yielding:
            def __await__(self) -> Any:
                yield "step"

        answer = self.begin(send)
        assert answer.send(None) == "step"
        assert answer.throw(KeyError("start")) == "step"
        with pytest.raises(StopIteration):
            answer.throw(KeyError, KeyError("body"), None)
        assert seen == ["http.response.start", "http.response.body"]
        with pytest.raises(RuntimeError, match="cannot reuse"):
            answer.send(None)

    @pytest.mark.parametrize(
        "error", [(KeyError,), (KeyError("x"),), (KeyError, "x"), (KeyError, KeyError("x"), None)]
    )
    def test_thrown_at_before_it_begins(self, error: Any) -> None:
        answer = self.begin(lambda message: seen.append(message))
        seen: list[Any] = []
        with pytest.raises(KeyError):
            answer.throw(*error)
        with pytest.raises(RuntimeError, match="cannot reuse"):
            answer.send(None)
        assert seen == []

    def test_closed(self) -> None:
        seen: list[Any] = []

        async def send(message: Any) -> None:
            try:
                await Yielding()
            except GeneratorExit:
                seen.append("closed")
                raise

        class Yielding:
            def __await__(self) -> Any:
                yield

        self.begin(send).close()
        answer = self.begin(send)
        next(answer)
        answer.close()
        answer.close()
        assert seen == ["closed"]

    def test_what_send_raises_is_the_servers(self) -> None:
        async def send(message: Any) -> None:
            raise OSError("gone")

        def at_once(message: Any) -> Any:
            raise OSError("gone")

        for failing in (send, at_once):
            with pytest.raises(OSError, match="gone"):
                asyncio.run(self.wait(self.begin(failing)))

    def test_its_messages_may_be_changed(self) -> None:
        """As middlewares outside do."""

        async def send(message: Any) -> None:
            message.setdefault("headers", []).append((b"x-outside", b"1"))
            message["body"] = b"changed"

        asyncio.run(self.wait(self.begin(send)))
        start, body = run(self.MIDDLEWARE, preflight(A, "GET"))
        assert b"x-outside" not in dict(start["headers"])
        assert "body" not in start
        assert body == {"type": "http.response.body", "body": b""}

    def test_it_is_collected(self) -> None:
        class Cycle:
            answer: Any = None

            async def send(self, message: Any) -> None:
                raise AssertionError

        cycle = Cycle()
        cycle.answer = self.begin(cycle.send)
        gone = weakref.ref(cycle)
        del cycle
        gc.collect()
        assert gone() is None
