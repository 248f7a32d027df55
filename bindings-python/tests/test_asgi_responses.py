"""The headers on an application's responses, and what the middleware leaves alone."""

from __future__ import annotations

import array
import asyncio
import collections
import contextlib
import gc
import re
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from asgi_calls import (
    ACAC,
    ACAO,
    ACEH,
    EVIL,
    TYPE,
    VARY,
    A,
    application,
    headers,
    origin,
    preflight,
    receive,
    run,
    scope,
)
from crossgate import Counters, Policy
from crossgate.asgi import CORSMiddleware


class TestResponses:
    POLICY = Policy(
        allow_origins=[A], allow_credentials=True, expose_headers=["X-B"], allow_methods=["PUT"]
    )

    def test_allowed(self) -> None:
        expected = [TYPE, (ACAO, A.encode()), (ACAC, b"true"), (ACEH, b"X-B"), (VARY, b"Origin")]
        assert (
            headers(CORSMiddleware(application(), policy=self.POLICY), scope(origin(A))) == expected
        )

    def test_the_rest_is_the_applications(self) -> None:
        sent = run(
            CORSMiddleware(application(trailers=True), policy=self.POLICY), scope(origin(EVIL))
        )
        assert sent[0] == {
            "type": "http.response.start",
            "status": 200,
            "trailers": True,
            "headers": [TYPE, (VARY, b"Origin")],
        }
        assert sent[1:] == [{"type": "http.response.body", "body": b"body"}]

    @pytest.mark.parametrize("own", [None, (), [], [TYPE], (TYPE,), [list(TYPE)]], ids=repr)
    def test_shapes_of_header_lists(self, own: Any) -> None:
        before = None if own is None else list(own)
        got = headers(CORSMiddleware(application(own), policy=self.POLICY), scope(origin(A)))
        assert got[len(before or ()) :][0] == (ACAO, A.encode())
        assert (None if own is None else list(own)) == before

    def test_an_iterator_of_headers(self) -> None:
        got = headers(
            CORSMiddleware(application(iter([TYPE])), policy=self.POLICY), scope(origin(A))
        )
        assert got[:2] == [TYPE, (ACAO, A.encode())]

    def test_shared_messages_are_not_changed(self) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": [TYPE]}

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(start)

        middleware = CORSMiddleware(app, policy=self.POLICY)
        for _ in range(3):
            assert len(headers(middleware, scope(origin(A)))) == 5
        assert start == {"type": "http.response.start", "status": 200, "headers": [TYPE]}

    def test_responses_do_not_share_a_list(self) -> None:
        middleware = CORSMiddleware(application(None), policy=self.POLICY)
        for asked in (
            scope(),
            scope(origin(A)),
            scope(origin(EVIL)),
            preflight(A),
            preflight(EVIL),
        ):
            first = headers(middleware, asked)
            first.append((b"x-outer", b"1"))
            assert (b"x-outer", b"1") not in headers(middleware, asked)

    def test_what_the_application_said(self) -> None:
        own = [
            (b"Vary", b"Accept-Encoding"),
            (b"access-control-allow-origin", b"*"),
            (b"Access-Control-Expose-Headers", b"X-Own, x-b"),
            (b"access-control-max-age", b"5"),
            TYPE,
        ]
        counters = Counters()
        middleware = CORSMiddleware(application(own), policy=self.POLICY, counters=counters)
        got = headers(middleware, scope(origin(A)))
        assert got == [
            TYPE,
            (ACAO, A.encode()),
            (ACAC, b"true"),
            (ACEH, b"X-Own, x-b"),
            (VARY, b"Accept-Encoding, Origin"),
        ]
        assert headers(middleware, scope(origin(EVIL))) == [
            TYPE,
            (VARY, b"Accept-Encoding, Origin"),
        ]
        assert counters.overwrote_upstream == 2
        assert {r: n for r, n in counters.as_dict().items() if n} == {
            "allowed": 1,
            "origin_not_listed": 1,
        }

    def test_what_is_no_header_goes_on(self) -> None:
        odd: Any = [7, ("a",), (b"vary", b"x"), (None, None), ("Vary", "y")]
        got = headers(CORSMiddleware(application(odd), policy=self.POLICY), scope())
        assert got == [(None, None), (VARY, b"x, y, Origin"), 7, ("a",)]
        assert headers(CORSMiddleware(application(7), policy=self.POLICY), scope()) == 7

    @pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
    def test_an_iterable_that_ends_the_process(self, error: type[BaseException]) -> None:
        def fails() -> Iterator[Any]:
            yield TYPE
            raise error

        middleware = CORSMiddleware(application(fails()), policy=self.POLICY)
        with pytest.raises(error):
            run(middleware, scope(origin(A)))
        with pytest.raises(error):
            run(CORSMiddleware(application(), policy=self.POLICY), {**scope(), "headers": fails()})

    @pytest.mark.parametrize(
        "spelled",
        [
            bytearray,
            memoryview,
            list,
            lambda text: array.array("B", text),
            lambda text: type("Own", (), {"__bytes__": lambda self: text})(),
            lambda text: type("Own", (bytes,), {})(text),
            lambda text: type("Own", (str,), {})(text.decode()),
        ],
        ids=["bytearray", "memoryview", "ints", "array", "__bytes__", "of bytes", "of str"],
    )
    @pytest.mark.parametrize(
        "paired", [tuple, list, collections.deque, iter], ids=lambda paired: paired.__name__
    )
    def test_whatever_a_server_would_write_is_a_header(self, spelled: Any, paired: Any) -> None:
        """Servers join buffers and unpack anything with two items, so these are headers too."""
        for asked, ours in ((EVIL, []), (A, [(ACAO, A.encode()), (ACAC, b"true"), (ACEH, b"X-B")])):
            own = [paired([spelled(b"Access-Control-Allow-Origin"), spelled(b"*")]), TYPE]
            own.append(paired([spelled(b"Vary"), spelled(b"Cookie")]))
            middleware = CORSMiddleware(application(own), policy=self.POLICY)
            got = headers(middleware, scope(origin(asked)))
            assert got == [TYPE, *ours, (VARY, b"Cookie, Origin")], got

    def test_odd_headers_that_say_nothing_of_cors_stay(self) -> None:
        class Broken:
            def __bytes__(self) -> bytes:
                raise ZeroDivisionError

        released = memoryview(b"vary")
        released.release()
        for name in (bytearray(b"X-Own"), Broken(), released, 10**12, b"x", object(), [999], None):
            got = headers(
                CORSMiddleware(application([(name, b"1")]), policy=self.POLICY), scope(origin(EVIL))
            )
            assert (b"X-Own" if isinstance(name, bytearray) else name, b"1") in got
            assert (VARY, b"Origin") in got

    @pytest.mark.parametrize(
        "message", [{}, {"type": 7}, {"type": "http.response.pathsend", "path": "/"}, [], None]
    )
    def test_other_messages_go_on(self, message: Any) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(message)

        sent = run(CORSMiddleware(app, policy=self.POLICY), scope(origin(A)))
        assert sent[0] is message

    def test_what_the_application_raises_is_raised(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run(CORSMiddleware(app, policy=self.POLICY), scope(origin(A)))


class TestSend:
    """What the application gets for the server's send."""

    MIDDLEWARE_OPTIONS: dict[str, Any] = {"allow_origins": [A], "allow_credentials": True}  # noqa: RUF012

    def get(self, server: Any) -> Any:
        got: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            got.append(send)

        async def main() -> None:
            await CORSMiddleware(app, **self.MIDDLEWARE_OPTIONS)(scope(origin(A)), receive, server)

        asyncio.run(main())
        return got[0]

    def test_takes_one_message(self) -> None:
        seen: list[Any] = []
        send = self.get(seen.append)
        for wrong in (
            lambda: send(),
            lambda: send({}, {}),
            lambda: send(message={}),
            lambda: send({}, more=1),
        ):
            with pytest.raises(TypeError, match=re.escape("send()")):
                wrong()
        assert seen == []
        assert callable(send)

    def test_is_made_by_the_middleware_only(self) -> None:
        kind: Any = type(self.get(receive))
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            type("Mine", (kind,), {})

    @pytest.mark.skipif(sys.version_info < (3, 10), reason="such types exist from 3.10 on")
    def test_its_type_is_not_to_be_changed(self) -> None:
        """Whoever changed it would change it for every middleware of the process."""
        kind: Any = type(self.get(receive))
        with pytest.raises(TypeError, match="immutable"):
            kind.__call__ = None

    def test_returns_what_the_server_returns(self) -> None:
        send = self.get(lambda message: message["type"])
        assert send({"type": "http.response.body"}) == "http.response.body"

    def test_what_the_server_raises(self) -> None:
        def gone(message: Any) -> Any:
            raise OSError("gone")

        for message in (
            {"type": "http.response.start", "status": 200},
            {"type": "http.response.body"},
        ):
            with pytest.raises(OSError, match="gone"):
                self.get(gone)(message)

    def test_every_start_gets_the_headers(self) -> None:
        """An application that catches an exception of the server sends a second start.

        Pages read that one. Starlette's middleware does the same.
        """
        seen: list[Any] = []

        def server(message: Any) -> None:
            seen.append(message)
            if len(seen) == 2:
                raise OSError("no such header")

        send = self.get(server)
        debug, body = {"type": "http.response.debug"}, {"type": "http.response.body", "body": b""}
        starts: list[dict[str, Any]] = [
            {"type": "http.response.start", "status": status} for status in (200, 500)
        ]
        send(debug)
        with pytest.raises(OSError, match="no such header"):
            send(starts[0])
        send(starts[1])
        send(body)
        assert (seen[0] is debug, seen[3] is body) == (True, True)
        for message in seen[1:3]:
            assert [name for name, _ in message["headers"]] == [ACAO, ACAC, VARY]
        assert [message["status"] for message in seen[1:3]] == [200, 500]

    def test_type_may_stand_anywhere(self) -> None:
        kind = "".join(["http.", "response.", "start"])  # not the constant
        for message in (
            {"status": 200, "type": kind},
            {"".join(["ty", "pe"]): kind, "status": 200},
        ):
            seen: list[Any] = []
            self.get(seen.append)(message)
            assert (ACAO, A.encode()) in seen[0]["headers"]

    def test_cycles_are_collected(self) -> None:
        class Server:
            ours: Any = None

            def send(self, message: Any) -> None:
                pass

        server = Server()
        server.ours = self.get(server.send)
        gone = weakref.ref(server)
        del server
        gc.collect()
        assert gone() is None

    def test_no_reference_is_lost(self) -> None:
        """Of what a request and its response bring, on every way through."""
        value, name, server = b"https://a.example", b"origin-"[:6], [].append
        asked = scope((name, value), (b"accept", b"x"))
        headers_sent = [TYPE]
        message = {"type": "http.response.start", "status": 200, "headers": headers_sent}
        own = {"type": "http.response.start", "status": 200, "headers": [TYPE, (VARY, b"Accept")]}

        async def app(scope: Any, receive: Any, send: Any) -> None:
            send(message)
            with contextlib.suppress(TypeError):
                send()

        async def varies(scope: Any, receive: Any, send: Any) -> None:
            send(own)

        middlewares = [CORSMiddleware(inner, **self.MIDDLEWARE_OPTIONS) for inner in (app, varies)]
        asks = preflight(A, "GET", (b"x", b"y"))
        asks["headers"][0] = (name, value)
        watched = (
            value,
            name,
            receive,
            asked,
            headers_sent,
            message,
            own,
            app,
            varies,
            *middlewares,
            asked["headers"],
        )

        def work() -> None:
            for _ in range(100):
                for middleware in middlewares:
                    with contextlib.suppress(StopIteration):
                        middleware(asked, receive, lambda message: None).send(None)  # type: ignore[attr-defined]
                    middleware(asks, receive, server).close()  # type: ignore[attr-defined]

        work()
        before = [sys.getrefcount(each) for each in watched]
        work()
        assert [sys.getrefcount(each) for each in watched] == before
