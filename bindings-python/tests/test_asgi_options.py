"""The arguments of the ASGI middleware, and the policy that they make."""

from __future__ import annotations

import gc
import inspect
import re
import weakref
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
from crossgate import Policy, PolicyError
from crossgate.asgi import ALL_METHODS, CORSMiddleware


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
                {"origin_predicate": bool, "verdict_timeout": 0},
                ValueError,
                "verdict_timeout must be a number",
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

    @pytest.mark.parametrize("base", [list, tuple, set, frozenset])
    def test_a_list_with_a_look_up_of_its_own(self, base: type) -> None:
        """It would never be called, and an empty list would be nobody."""
        looked_up = type("Tenants", (base,), {"__contains__": lambda self, item: True})
        plain = type("Plain", (base,), {})
        for value in (looked_up(), looked_up([A])):
            with pytest.raises(PolicyError, match="Tenants with a __contains__ of its own"):
                CORSMiddleware(application(), allow_origins=value)
        middleware = CORSMiddleware(application(), allow_origins=plain([A]))
        assert middleware.is_allowed_origin(A)

    @pytest.mark.parametrize(
        "name", ["is_allowed_origin", "preflight_response", "simple_response", "send"]
    )
    def test_methods_of_starlettes_are_not_passed_over(self, name: str) -> None:
        override = {name: lambda self, *arguments: None}
        mixin = type("Mixin", (), override)
        for bases, members in (((CORSMiddleware,), override), ((mixin, CORSMiddleware), {})):
            with pytest.raises(TypeError, match=f"Mine.{name} would never be called: use "):
                type("Mine", bases, members)
        type("Mine", (type("Mixin", (), {"tenant": "a"}), CORSMiddleware), {})

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
        """For uvicorn, hypercorn and asgiref, other callables are ASGI 2 or WSGI."""

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

    def test_what_cannot_be_checked_is_told(self, caplog: pytest.LogCaptureFixture) -> None:
        CORSMiddleware(application(), allow_origin_regex=r"https://(?!evil)[a-z]+\.example")
        assert "regex_unsupported at allow_origin_regex =" in caplog.text

    def test_beside_a_predicate(self) -> None:
        middleware = CORSMiddleware(
            application(),
            allow_origin_regex=r"https://(?=a)a\.example",
            origin_predicate=lambda origin: origin == B,
        )
        for value in (A, B):
            assert (ACAO, value.encode()) in headers(middleware, scope(origin(value)))
        assert dict(headers(middleware, scope(origin(EVIL)))).get(ACAO) is None


class TestDangerouslyAllow:
    LAN = "http://192.168.1.20:5173"
    EXCEPTION = ("insecure_origins_with_credentials",)

    def test_plain_http_with_credentials_needs_its_exception(self) -> None:
        options: dict[str, Any] = {"allow_origins": [self.LAN], "allow_credentials": True}
        with pytest.raises(PolicyError) as caught:
            CORSMiddleware(application(), **options)
        assert [problem.code for problem in caught.value.problems] == [
            "insecure_origin_with_credentials"
        ]
        middleware = CORSMiddleware(application(), **options, dangerously_allow=self.EXCEPTION)
        assert (ACAO, self.LAN.encode()) in headers(middleware, scope(origin(self.LAN)))

    def test_an_exception_is_one_of_those_that_there_are(self) -> None:
        with pytest.raises(PolicyError) as caught:
            CORSMiddleware(application(), [A], dangerously_allow=["everything"])
        assert caught.value.problems[0].path == "dangerously_allow[0]"

    def test_it_is_one_of_the_options_that_a_policy_holds(self) -> None:
        with pytest.raises(TypeError, match="dangerously_allow cannot be given beside it"):
            CORSMiddleware(
                application(), policy=Policy(allow_origins=[A]), dangerously_allow=self.EXCEPTION
            )
