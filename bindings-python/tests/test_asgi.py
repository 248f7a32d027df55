"""The ASGI middleware by itself: what it takes, what it sends, and what it never touches."""

from __future__ import annotations

import array
import asyncio
import collections
import contextlib
import gc
import inspect
import logging
import re
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from crossgate import Counters, Policy, PolicyError, SharedPolicy
from crossgate.asgi import ALL_METHODS, CORSMiddleware, install

A, B, EVIL = "https://a.example", "https://b.example", "https://evil.example"
ACAO, ACAC, ACEH, VARY = (
    b"access-control-allow-origin",
    b"access-control-allow-credentials",
    b"access-control-expose-headers",
    b"vary",
)
TYPE = (b"content-type", b"text/plain")


def scope(*headers: Any, method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": "/", "headers": list(headers), **more}


def origin(value: str) -> tuple[bytes, bytes]:
    return b"origin", value.encode("latin-1")


def preflight(value: str, method: str = "PUT", *headers: Any) -> dict[str, Any]:
    return scope(
        origin(value),
        (b"access-control-request-method", method.encode()),
        *headers,
        method="OPTIONS",
    )


def application(headers: Any = (TYPE,), seen: list[Any] | None = None, **start: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if seen is not None:
            seen.append(scope)
        message = {"type": "http.response.start", "status": 200, **start}
        if headers is not None:
            message["headers"] = headers
        await send(message)
        await send({"type": "http.response.body", "body": b"body"})

    return app


async def receive() -> Any:
    raise AssertionError("nothing is read")


def run(app: Any, asked: Any) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        await app(asked, receive, send)

    asyncio.run(main())
    return sent


def headers(app: Any, asked: Any) -> list[Any]:
    return run(app, asked)[0]["headers"]


class TestConstructor:
    def test_the_signature_is_starlettes(self) -> None:
        parameters = inspect.signature(CORSMiddleware).parameters
        assert [
            (name, p.default) for name, p in parameters.items() if p.kind is not p.KEYWORD_ONLY
        ] == [
            ("app", inspect.Parameter.empty),
            ("allow_origins", ()),
            ("allow_methods", ("GET",)),
            ("allow_headers", ()),
            ("allow_credentials", False),
            ("allow_origin_regex", None),
            ("allow_private_network", False),
            ("expose_headers", ()),
            ("max_age", 600),
        ]

    def test_positional(self) -> None:
        app = application()
        middleware = CORSMiddleware(app, [A], ["PUT"], ["X-A"], True, None, True, ["X-B"], 5)
        document = middleware.policy.document()
        assert middleware.app is app
        assert (
            document["allow_origins"],
            document["allow_methods"],
            document["expose_headers"],
        ) == (
            [A],
            ["PUT"],
            ["X-B"],
        )
        assert (
            document["allow_credentials"],
            document["allow_private_network"],
            document["max_age"],
        ) == (
            True,
            True,
            5,
        )
        assert document["allow_headers"] == [
            "Accept",
            "Accept-Language",
            "Content-Language",
            "Content-Type",
            "X-A",
        ]

    def test_nobody_is_the_default(self) -> None:
        middleware = CORSMiddleware(application())
        assert headers(middleware, scope(origin(A))) == [TYPE, (VARY, b"Origin")]
        assert run(middleware, preflight(A))[0]["status"] == 400

    @pytest.mark.parametrize("anybody", ["*", ["*"], ("*",)])
    def test_everybody(self, anybody: Any) -> None:
        assert headers(CORSMiddleware(application(), anybody), scope()) == [TYPE, (ACAO, b"*")]

    def test_every_method(self) -> None:
        assert (
            tuple(CORSMiddleware(application(), ["*"], ["*"]).policy.document()["allow_methods"])
            == ALL_METHODS
        )
        assert (
            tuple(CORSMiddleware(application(), ["*"], "*").policy.document()["allow_methods"])
            == ALL_METHODS
        )

    @pytest.mark.parametrize(
        ("options", "path"),
        [
            ({"allow_origins": A}, "allow_origins"),
            ({"allow_origins": f"{A}, {B}"}, "allow_origins"),
            ({"allow_origins": [f"{A},{B}"]}, "allow_origins[0]"),
            ({"allow_methods": "PUT", "allow_origins": [A]}, "allow_methods"),
            ({"allow_headers": "X-A", "allow_origins": [A]}, "allow_headers"),
            ({"allow_origins": ["*"], "allow_credentials": True}, "allow_origins"),
            ({"allow_origins": [A], "max_age": -1}, "max_age"),
            ({"allow_origins": [A], "max_age": "600"}, "max_age"),
            ({"allow_origins": [f"{A}/"]}, "allow_origins[0]"),
            ({"allow_origin_regex": "("}, "allow_origin_regex"),
            ({"allow_origin_regex": 7}, "allow_origin_regex"),
            ({"allow_origin_regex": rb"https://a\.example"}, "allow_origin_regex"),
        ],
    )
    def test_mistakes_name_the_option(self, options: Any, path: str) -> None:
        with pytest.raises(PolicyError) as caught:
            CORSMiddleware(application(), **options)
        assert path in [
            problem.path for problem in caught.value.problems if problem.severity == "error"
        ]

    def test_wrong_types_hide_nothing(self) -> None:
        wrong: Any = {
            "allow_origins": 5,
            "allow_methods": [1],
            "allow_headers": ["X-Z", "A B", 3],
            "expose_headers": b"x",
            "allow_credentials": "yes",
            "allow_origin_regex": 7,
            "max_age": "x",
            "allow_private_network": None,
        }
        with pytest.raises(PolicyError) as caught:
            CORSMiddleware(application(), **wrong)
        assert [
            (problem.code, problem.path)
            for problem in caught.value.problems
            if problem.severity == "error"
        ] == [
            ("option_type", "allow_origins"),
            ("option_type", "allow_methods[0]"),
            ("option_type", "allow_headers[2]"),
            ("option_type", "allow_credentials"),
            ("option_type", "allow_private_network"),
            ("option_type", "expose_headers"),
            ("option_type", "allow_origin_regex"),
            ("header_invalid", "allow_headers[1]"),
            ("max_age_invalid", "max_age"),
        ]

    def test_a_policy_stands_alone(self) -> None:
        policy = Policy(allow_origins=[A])
        assert CORSMiddleware(application(), policy=policy).policy == policy
        with pytest.raises(TypeError, match="allow_origins, max_age cannot be given beside it"):
            CORSMiddleware(application(), [A], max_age=5, policy=policy)

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            (
                {"policy": {"allow_origins": "*"}},
                TypeError,
                "policy must be a Policy or a SharedPolicy, not dict",
            ),
            (
                {"websocket": "check"},
                ValueError,
                "websocket must be False, True or \"public\", not 'check'",
            ),
            (
                {"origin_predicate": "x"},
                TypeError,
                "origin_predicate must be a function of the origin, not str",
            ),
            (
                {"origin_predicate": bool, "predicate_timeout": 0},
                ValueError,
                "predicate_timeout must be a number",
            ),
            (
                {"origin_predicate": bool, "policy": Policy(allow_origins=[A])},
                ValueError,
                "this policy never calls origin_predicate",
            ),
            ({"counters": 1}, TypeError, "Counters"),
        ],
    )
    def test_wrong_arguments(self, options: Any, error: Any, message: str) -> None:
        with pytest.raises(error, match=re.escape(message)):
            CORSMiddleware(application(), **options)

    def test_no_application(self) -> None:
        with pytest.raises(TypeError, match="app must be an ASGI application, not NoneType"):
            CORSMiddleware(None)  # type: ignore[arg-type]

    def test_subclasses(self) -> None:
        """With the constructor and the call of their own that Starlette's may have."""
        seen: list[str] = []

        class Mine(CORSMiddleware):
            def __init__(self, app: Any, tenant: str) -> None:
                super().__init__(app, allow_origins=[f"https://{tenant}.example"])
                self.tenant = tenant

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                seen.append(scope["method"])
                await super().__call__(scope, receive, send)

        middleware = Mine(application(), tenant="a")
        assert (ACAO, A.encode()) in headers(middleware, scope(origin(A)))
        assert run(middleware, preflight(A, "GET"))[0]["status"] == 200
        assert (seen, middleware.tenant) == (["GET", "OPTIONS"], "a")
        assert repr(middleware).startswith("Mine(Policy(allow_origins=['https://a.example']")

    @pytest.mark.parametrize(
        "name", ["is_allowed_origin", "preflight_response", "simple_response", "send"]
    )
    def test_methods_of_starlettes_are_not_passed_over(self, name: str) -> None:
        with pytest.raises(TypeError, match=f"Mine.{name} would never be called: use "):
            type("Mine", (CORSMiddleware,), {name: lambda self, *arguments: None})

    def test_configured_once(self) -> None:
        class Forgetful(CORSMiddleware):
            def __init__(self) -> None:
                pass

        forgetful = Forgetful()
        for use in (
            repr,
            lambda middleware: middleware.app,
            lambda middleware: middleware({}, receive, receive),
        ):
            with pytest.raises(RuntimeError, match=r"its __init__\(\) was not called"):
                use(forgetful)
        with pytest.raises(RuntimeError, match="configured already"):
            CORSMiddleware(application(), [A]).__init__(application(), ["*"])  # type: ignore[misc]

    def test_servers_know_it_for_asgi(self) -> None:
        """uvicorn, hypercorn and asgiref take what is no coroutine function for ASGI 2, or for WSGI."""

        class Mine(CORSMiddleware):
            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                await super().__call__({**scope, "mine": True}, receive, send)

        for kind, mine in ((CORSMiddleware, False), (Mine, True)):
            seen: list[Any] = []
            middleware = kind(application(seen=seen), [A])
            assert inspect.iscoroutinefunction(middleware.__call__)
            assert (ACAO, A.encode()) in headers(middleware.__call__, scope(origin(A)))
            assert seen[0].get("mine", False) is mine
            gone = weakref.ref(middleware)
            del middleware
            gc.collect()
            assert gone() is None

    def test_warnings_are_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        CORSMiddleware(application(), ["HTTPS://A.example"])
        assert "allow_origins[0]" in caplog.text


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
        """Servers join buffers and unpack anything of two: an answer of the application's own must not get past."""
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
        """Starlette's middleware does so too: an application that catches what the server raised at its first start
        sends its 500, and pages read that one. Other messages are the server's alone."""
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
        assert (ACAO, A.encode()) in got
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


class TestRememberedPreflights:
    """Allowed ones are remembered, and those with too many names; nothing shows it but the time."""

    NAMES = b"access-control-request-headers"
    POLICY = Policy(
        allow_origins=[A, B], allow_methods=["PUT"], allow_headers="*", allow_credentials=True
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
        preflight(A, "PUT", origin(B)),
        {**preflight(A), "method": "GET"},
    )

    def test_the_answer_is_its_own(self) -> None:
        # Each with a policy that has seen nothing.
        alone = [
            run(CORSMiddleware(application(), policy=Policy(**self.POLICY.document())), asked)
            for asked in self.PREFLIGHTS
        ]
        middleware = CORSMiddleware(application(), policy=self.POLICY)
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

    @pytest.mark.parametrize("answer", [None, 1, "yes", object(), A])
    def test_only_true_allows(self, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
        assert self.ask(lambda origin: answer) is None
        assert "returns True or False" in caplog.text

    def test_what_it_raises_denies(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self.ask(lambda origin: 1 / 0) is None
        assert "ZeroDivisionError" in caplog.text

    def test_it_has_its_time(self, caplog: pytest.LogCaptureFixture) -> None:
        async def never(origin: str) -> bool:
            await asyncio.sleep(3600)
            return True

        assert self.ask(never, predicate_timeout=0.01) is None
        assert "TimeoutError" in caplog.text

    def test_it_may_take_its_time(self) -> None:
        async def slow(origin: str) -> bool:
            await asyncio.sleep(0.01)
            return True

        assert self.ask(slow, predicate_timeout=None) == A.encode()

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
                application(), origin_predicate=predicate, predicate_timeout=seconds
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


class TestRegexes:
    @pytest.mark.parametrize(
        ("regex", "allowed", "denied"),
        [
            (
                r"https://[a-z]+\.example",
                [A, B],
                ["https://a.example.evil.example", "https://1.example"],
            ),
            (re.compile(r"HTTPS://[A-Z]\.EXAMPLE", re.I), [A, B], ["https://ab.example"]),
            (re.compile(r"https://a\.example$"), [A], [B]),
            (r"(?i)https://A\.example", [A], [B]),
            # Python's own.
            (r"https://(?!evil)[a-z]+\.example", [A, B], [EVIL, "https://a.example.b.example"]),
            (re.compile("https://a # a\n\\.example", re.X), [A], [B]),
            (r"https://[a-z]*+a\.example", [], [A, "https://aaa.example"]),
            (r"https://a\.example\Z", [A], [B]),
        ],
    )
    def test_whole_match(self, regex: Any, allowed: list[str], denied: list[str]) -> None:
        try:
            re.compile(regex)
        except re.error:
            pytest.skip("this Python has no possessive repetitions")
        middleware = CORSMiddleware(application(), allow_origin_regex=regex)
        for value in (*allowed, *denied):
            assert dict(headers(middleware, scope(origin(value)))).get(ACAO) == (
                value.encode() if value in allowed else None
            )

    def test_pythons_own_are_told(self, caplog: pytest.LogCaptureFixture) -> None:
        CORSMiddleware(application(), allow_origin_regex=r"https://(?!evil)[a-z]+\.example")
        assert "runs in Python" in caplog.text

    def test_beside_a_predicate(self) -> None:
        middleware = CORSMiddleware(
            application(),
            allow_origin_regex=r"https://(?=a)a\.example",
            origin_predicate=lambda origin: origin == B,
        )
        for value in (A, B):
            assert (ACAO, value.encode()) in headers(middleware, scope(origin(value)))
        assert dict(headers(middleware, scope(origin(EVIL)))).get(ACAO) is None


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
        live, shadow = difference.live, difference.shadow
        assert (live.reason, shadow.reason) == ("allowed", "origin_not_listed")

    def test_a_swap_while_the_predicate_is_asked(self) -> None:
        shared = SharedPolicy(Policy(origin_predicate=True))

        async def predicate(origin: str) -> bool:
            shared.replace(Policy(allow_origins=[B]))
            return True

        # A request goes on with the policy that it began with.
        middleware = CORSMiddleware(application(), policy=shared, origin_predicate=predicate)
        assert headers(middleware, scope(origin(A))) == [TYPE, acao(A), (VARY, b"Origin")]
        assert headers(middleware, scope(origin(A))) == [TYPE, (VARY, b"Origin")]


class Framework:
    """As much of Starlette as install() touches."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.middleware_stack: Any = None

    def build_middleware_stack(self) -> Any:
        return self.app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)


class TestInstall:
    def test_it_is_outermost(self) -> None:
        framework = Framework(application())
        install(framework, [A], expose_headers=["X-B"])
        assert (ACEH, b"X-B") in headers(framework, scope(origin(A)))

    def test_mistakes_are_raised_at_once(self) -> None:
        framework = Framework(application())
        with pytest.raises(PolicyError):
            install(framework, allow_origins=A)
        install(framework, allow_origins=[A])
        with pytest.raises(RuntimeError, match="installed on this application already"):
            install(framework, allow_origins=[A])

    def test_too_late(self) -> None:
        framework = Framework(application())
        run(framework, scope())
        with pytest.raises(RuntimeError, match="before the application has started"):
            install(framework, allow_origins=[A])

    def test_other_applications_are_wrapped(self) -> None:
        with pytest.raises(TypeError, match="not function: wrap it instead"):
            install(application(), allow_origins=[A])


def test_nothing_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """An application whose state reaches its own send is freed with its request."""
    caplog.set_level(logging.ERROR)

    class State:
        send: Callable[..., Any]

    states: list[weakref.ref[State]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        state = State()
        state.send = send
        scope["state"] = state
        states.append(weakref.ref(state))
        await send({"type": "http.response.start", "status": 200})

    class Server:
        def __init__(self, asked: Any) -> None:
            self.asked = asked

        async def send(self, message: Any) -> None:
            pass

    async def main() -> None:
        middleware = CORSMiddleware(app, [A])
        for _ in range(10):
            asked = scope(origin(A))
            await middleware(asked, receive, Server(asked).send)

    asyncio.run(main())
    gc.collect()
    assert [state() for state in states] == [None] * 10
