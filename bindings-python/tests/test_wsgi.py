"""crossgate.wsgi around plain WSGI callables, with the server's side in hand."""

from __future__ import annotations

import collections
import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from crossgate import Counters, Policy, PolicyError, SharedPolicy
from crossgate.wsgi import CORSMiddleware

A = "https://a.example"
EVIL = "https://evil.example"
Headers = list[tuple[str, str]]


class Server:
    """What a server sees of one request."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.written: list[bytes] = []

    def start_response(self, *arguments: Any) -> Callable[[bytes], None]:
        self.calls.append(arguments)
        return self.written.append

    def ask(
        self, app: Any, method: str = "GET", environ: dict[Any, Any] | None = None, **headers: Any
    ) -> bytes:
        asked = {
            "REQUEST_METHOD": method,
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        return b"".join(app({**asked, **(environ or {})}, self.start_response))

    @property
    def status(self) -> str:
        return str(self.calls[-1][0])

    @property
    def headers(self) -> Headers:
        found: Headers = self.calls[-1][1]
        assert type(found) is list
        assert all(
            type(pair) is tuple and [type(part) for part in pair] == [str, str] for pair in found
        )
        return found


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"body"]


def answering(*headers: tuple[str, str]) -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return []

    return app


def test_an_allowed_origin_gets_its_headers_behind_the_application_s() -> None:
    server = Server()
    app = CORSMiddleware(
        application, allow_origins=[A], allow_credentials=True, expose_headers=["X-A"]
    )
    assert server.ask(app, origin=A) == b"body"
    assert server.status == "200 OK"
    assert server.headers == [
        ("Content-Type", "text/plain"),
        ("Access-Control-Allow-Origin", A),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "X-A"),
        ("Vary", "Origin"),
    ]


def test_denied_and_absent_origins_get_vary() -> None:
    app = CORSMiddleware(application, allow_origins=[A])
    for headers in ({"origin": EVIL}, {}):
        server = Server()
        assert server.ask(app, **headers) == b"body"
        assert server.headers == [("Content-Type", "text/plain"), ("Vary", "Origin")]


def test_a_preflight_is_answered_before_the_application() -> None:
    def never(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        raise AssertionError

    app = CORSMiddleware(never, allow_origins=[A], allow_methods=["PUT"], max_age=600)
    server = Server()
    assert server.ask(app, "OPTIONS", origin=A, access_control_request_method="PUT") == b""
    assert server.status == "204 No Content"
    vary = "Origin, Access-Control-Request-Method"
    assert server.headers == [
        ("Access-Control-Allow-Origin", A),
        ("Access-Control-Allow-Methods", "PUT"),
        ("Access-Control-Max-Age", "600"),
        ("Vary", vary),
    ]
    assert server.ask(app, "OPTIONS", origin=EVIL, access_control_request_method="PUT") == b""
    assert (server.status, server.headers) == (
        "403 Forbidden",
        [("Vary", vary), ("Content-Length", "0")],
    )


def test_echoed_values_are_the_request_s() -> None:
    app = CORSMiddleware(
        application,
        allow_origins=["https://*.a.example"],
        allow_methods="*",
        allow_headers="*",
        allow_credentials=True,
    )
    server = Server()
    asked = {
        "access_control_request_method": "PURGE",
        "access_control_request_headers": "X-B, x-a,X-b",
    }
    server.ask(app, "OPTIONS", origin=" https://x.a.example\t", **asked)
    found = dict(server.headers)
    assert found["Access-Control-Allow-Origin"] == "https://x.a.example"
    assert found["Access-Control-Allow-Methods"] == "PURGE"
    assert found["Access-Control-Allow-Headers"] == "x-b, x-a"


def test_a_denied_request_can_be_rejected() -> None:
    app = CORSMiddleware(
        application, allow_origins=[A], denied_actual="reject", own_origins=["https://own.example"]
    )
    server = Server()
    assert server.ask(app, "POST", origin=EVIL) == b""
    assert (server.status, server.headers) == (
        "403 Forbidden",
        [("Vary", "Origin"), ("Content-Length", "0")],
    )
    assert server.ask(app, "POST", origin=EVIL, sec_fetch_site="same-origin") == b"body"


def test_the_application_s_own_cors_headers_give_way() -> None:
    app = CORSMiddleware(
        answering(
            ("access-control-allow-origin", "*"),
            ("VARY", "Accept, origin"),
            ("Access-Control-Expose-Headers", "X-Own"),
            ("X", "y"),
        ),
        allow_origins=[A],
        expose_headers=["X-A"],
    )
    server = Server()
    server.ask(app, origin=A)
    assert sorted(server.headers) == [
        ("Access-Control-Allow-Origin", A),
        ("Access-Control-Expose-Headers", "X-Own, X-A"),
        ("Vary", "Accept, origin"),
        ("X", "y"),
    ]
    server.ask(app, origin=EVIL)
    assert sorted(server.headers) == [("Vary", "Accept, origin"), ("X", "y")]


def test_vary_star_stays_alone() -> None:
    server = Server()
    server.ask(CORSMiddleware(answering(("Vary", "*")), allow_origins=[A]), origin=A)
    assert ("Vary", "*") in server.headers


def test_the_application_s_list_is_not_changed() -> None:
    shared = [("Content-Type", "text/plain")]

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", shared)
        return []

    wrapped = CORSMiddleware(app, allow_origins=[A])
    for _ in range(2):
        server = Server()
        server.ask(wrapped, origin=A)
        assert len(server.headers) == 3
    assert shared == [("Content-Type", "text/plain")]


def test_a_second_call_with_exc_info_gets_the_headers_too() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            raise RuntimeError
        except RuntimeError:
            start_response("500 Internal Server Error", [("X", "y")], exc_info=sys.exc_info())
        return [b"failed"]

    server = Server()
    assert server.ask(CORSMiddleware(app, allow_origins=[A]), origin=A) == b"failed"
    assert [len(call) for call in server.calls] == [2, 3]
    assert server.calls[1][2][0] is RuntimeError
    assert server.headers == [("X", "y"), ("Access-Control-Allow-Origin", A), ("Vary", "Origin")]


def test_write_is_the_server_s() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])(b"written")
        return []

    server = Server()
    server.ask(CORSMiddleware(app, allow_origins=[A]))
    assert server.written == [b"written"]


def test_a_generator_that_starts_late_gets_the_headers() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        yield b""
        start_response("200 OK", [])
        yield b"streamed"

    server = Server()
    assert server.ask(CORSMiddleware(app, allow_origins=[A]), origin=A) == b"streamed"
    assert ("Access-Control-Allow-Origin", A) in server.headers


def test_what_the_application_raises_passes() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Server().ask(CORSMiddleware(app, allow_origins=[A]), origin=A)


@pytest.mark.parametrize(
    "value",
    [
        b"https://a.example",
        7,
        None,
        object(),
        "ä" * 10,
        "\u20ac",
        "\udc80",
        "",
        "x" * 100_000,
        ",",
        ["https://a.example"],
        "https://a.example\x00",
    ],
)
@pytest.mark.parametrize(
    "name", ["origin", "access_control_request_method", "access_control_request_headers"]
)
def test_no_value_of_the_environ_raises(name: str, value: Any) -> None:
    app = CORSMiddleware(
        application, allow_origins=[A], allow_headers="*", allow_methods="*", allow_credentials=True
    )
    for method in ("GET", "OPTIONS", value):
        server = Server()
        server.ask(
            app, method, **{"origin": A, "access_control_request_method": "PUT", name: value}
        )
        assert server.status[:3] in ("200", "204", "403")
        assert all(len(part) < 5000 for pair in server.headers for part in pair)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("a",)],
        [("a", "b", "c")],
        [None],
        [["Vary", "x"]],
        [(b"vary", b"x")],
        [("vary", 1)],
        [("\udc80", "x")],
    ],
)
def test_no_list_of_the_application_raises(headers: list[Any]) -> None:
    server = Server()
    server.ask(CORSMiddleware(answering(*headers), allow_origins=[A]), origin=A)
    assert ("Access-Control-Allow-Origin", A) in server.calls[-1][1]


@pytest.mark.parametrize(
    "paired", [list, collections.deque, iter], ids=lambda paired: paired.__name__
)
def test_whatever_a_server_would_unpack_is_a_header(paired: Any) -> None:
    own = [("Access-Control-Allow-Origin", "*"), ("Vary", "Cookie"), ("X-Own", "1")]
    server = Server()
    server.ask(CORSMiddleware(answering(*map(paired, own)), allow_origins=[A]), origin=EVIL)
    assert server.headers == [own[2], ("Vary", "Cookie, Origin")]


def test_wrong_types_hide_nothing() -> None:
    wrong: Any = {
        "allow_origins": 5,
        "allow_methods": [1],
        "allow_credentials": "yes",
        "max_age": "x",
        "origins": A,
    }
    with pytest.raises(PolicyError) as raised:
        CORSMiddleware(application, **wrong)
    assert sorted((problem.code, problem.path) for problem in raised.value.problems) == [
        ("max_age_invalid", "max_age"),
        ("option_type", "allow_credentials"),
        ("option_type", "allow_methods[0]"),
        ("option_type", "allow_origins"),
        ("unknown_option", "origins"),
    ]


def test_headers_that_are_no_list_are_the_server_s_matter() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", (("a", "b"),))
        return []

    server = Server()
    server.ask(CORSMiddleware(app, allow_origins=[A]), origin=A)
    assert server.calls[-1][1] == (("a", "b"),)


def test_the_host_is_asked_and_only_true_allows() -> None:
    for answer, allowed in (
        (True, True),
        (False, False),
        (1, False),
        ("yes", False),
        (None, False),
    ):
        asked: list[str] = []

        def ask(origin: str, answer: Any = answer, asked: list[str] = asked) -> Any:
            asked.append(origin)
            return answer

        app = CORSMiddleware(application, allow_origins=[A], origin_predicate=ask)
        server = Server()
        for origin in (A, "null", "https://b.example/", "https://b.example"):
            server.ask(app, origin=origin)
        assert asked == ["https://b.example"]
        assert (("Access-Control-Allow-Origin", "https://b.example") in server.headers) is allowed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_host_that_fails_denies() -> None:
    def ask(origin: str) -> bool:
        raise OSError("the table is away")

    server = Server()
    assert server.ask(CORSMiddleware(application, origin_predicate=ask), origin=A) == b"body"
    assert server.headers[1:] == [("Vary", "Origin")]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_process_is_no_failure_of_the_host(error: type[BaseException]) -> None:
    """So do a server's abort of a worker and gevent's Timeout, which are no `Exception` either."""

    def stop(*_: Any) -> Any:
        raise error

    shared = SharedPolicy(Policy(allow_origins=[A]))
    shared.set_shadow(Policy(allow_origins=[EVIL]), stop)
    for app in (
        CORSMiddleware(application, origin_predicate=stop),
        CORSMiddleware(application, policy=shared),
    ):
        with pytest.raises(error):
            Server().ask(app, origin=A)


def test_a_policy_in_place_of_options() -> None:
    server = Server()
    server.ask(CORSMiddleware(application, Policy(allow_origins="*")))
    assert server.headers[1:] == [("Access-Control-Allow-Origin", "*")]
    with pytest.raises(TypeError, match="leave out max_age"):
        CORSMiddleware(application, Policy(allow_origins="*"), max_age=1)
    with pytest.raises(TypeError, match=r"policy must be a Policy or a SharedPolicy, not str"):
        CORSMiddleware(application, "policy.json")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="app must be a WSGI application, not NoneType"):
        CORSMiddleware(None, allow_origins=[A])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="origin_predicate must be callable, not str"):
        CORSMiddleware(application, allow_origins=[A], origin_predicate="no")  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="origin_has_path"):
        CORSMiddleware(application, allow_origins=["https://a.example/"])


def test_it_can_be_subclassed_and_stacked() -> None:
    class Mine(CORSMiddleware):
        def __init__(self, app: Any, origin: str) -> None:
            super().__init__(app, allow_origins=[origin])

    app = Mine(CORSMiddleware(application, allow_origins="*"), A)
    with pytest.raises(RuntimeError, match="configured already"):
        app.__init__(application, A)  # type: ignore[misc]
    with pytest.raises(RuntimeError, match=r"__init__\(\) was not called"):
        Mine.__new__(Mine)({}, bytes)
    server = Server()
    server.ask(app, origin=EVIL)
    assert server.headers == [("Content-Type", "text/plain"), ("Vary", "Origin")]


def test_threads_share_it() -> None:
    app = CORSMiddleware(application, allow_origins=[A])
    failures: list[Headers] = []

    def work() -> None:
        for _ in range(300):
            for origin, count in ((A, 3), (EVIL, 2)):
                server = Server()
                server.ask(app, origin=origin)
                if len(server.headers) != count:
                    failures.append(server.headers)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


def test_a_cycle_through_the_application_is_collected() -> None:
    class App:
        def __init__(self) -> None:
            self.wsgi_app: Any = self.answer

        def answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            return []

    app = App()
    app.wsgi_app = CORSMiddleware(app.wsgi_app, allow_origins=[A])
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None


def test_what_configure_replaces_may_use_the_middleware_when_it_goes() -> None:
    """In a process of its own, which a lock that is still held would hang."""
    script = """
        from crossgate import Policy
        from crossgate._crossgate import Responder, WSGIMiddleware

        class Select:
            def __call__(self, environ):
                return None

            def __del__(self):
                app({"REQUEST_METHOD": "GET"}, print)
                app._configure(Responder(Policy(allow_origins=["*"])))
                print("gone")

        app = WSGIMiddleware(lambda environ, start_response: [], _select=Select())
        app._configure(Responder(Policy(allow_origins=["*"])))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert (found.stdout, found.stderr) == ("gone\n", "")


def test_a_shared_policy_is_swapped_while_serving() -> None:
    shared = SharedPolicy(Policy(allow_origins=[A]))
    app, server = CORSMiddleware(application, policy=shared), Server()
    allow_origin = ("Access-Control-Allow-Origin", A)
    server.ask(app, origin=A)
    assert allow_origin in server.headers
    shared.replace(Policy(allow_origins=[EVIL]))
    server.ask(app, origin=A)
    assert server.headers == [("Content-Type", "text/plain"), ("Vary", "Origin")]
    shared.replace(Policy(allow_origins=[A], allow_methods=["PUT"], preflight_status=200))
    server.ask(app, "OPTIONS", origin=A, access_control_request_method="PUT")
    assert (server.status, allow_origin in server.headers) == ("200 OK", True)


def test_a_swap_between_request_and_response() -> None:
    """What was decided holds."""
    shared = SharedPolicy(Policy(allow_origins=[A]))

    def swapping(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        shared.replace(Policy(allow_origins=["*"]))
        start_response("200 OK", [("Vary", "Accept")])
        return []

    server = Server()
    server.ask(CORSMiddleware(swapping, policy=shared), origin=A)
    assert server.headers == [("Access-Control-Allow-Origin", A), ("Vary", "Accept, Origin")]


def test_shadows_are_told() -> None:
    shared = SharedPolicy(Policy(allow_origins=[A]))
    differences: list[Any] = []
    shared.set_shadow(
        Policy(allow_origins=[EVIL]),
        lambda difference, request: differences.append((difference, request)),
    )
    server = Server()
    for origin in (A, "https://other.example"):
        server.ask(CORSMiddleware(application, policy=shared), origin=origin)
    ((difference, request),) = differences
    assert (request.method, request.headers) == ("GET", (("origin", A),))
    live, shadow = difference.live, difference.shadow
    assert (live.reason, shadow.reason) == ("allowed", "origin_not_listed")


def test_counters() -> None:
    counters = Counters()
    app = CORSMiddleware(
        answering(("Access-Control-Allow-Origin", "*")), allow_origins=[A], counters=counters
    )
    server = Server()
    server.ask(app, origin=A)
    server.ask(app, origin=EVIL)
    server.ask(app)
    server.ask(app, "OPTIONS", origin=A, access_control_request_method="PUT")
    counted = {reason: count for reason, count in counters.as_dict().items() if count}
    assert counted == {
        "allowed": 1,
        "no_origin": 1,
        "origin_not_listed": 1,
        "method_not_allowed": 1,
    }
    assert counters.overwrote_upstream == 3
    with pytest.raises(TypeError, match="Counters"):
        CORSMiddleware(application, allow_origins=[A], counters={})  # type: ignore[arg-type]


def test_a_response_that_begins_twice_is_counted_once() -> None:
    def again(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            start_response("500 Internal Server Error", [], sys.exc_info())
        return []

    counters = Counters()
    Server().ask(CORSMiddleware(again, allow_origins=[A], counters=counters), origin=A)
    assert counters.as_dict()["allowed"] == 1
