"""crossgate.flask in Flask itself."""

from __future__ import annotations

import gc
import logging
import re
import weakref
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from crossgate import Counters, Policy, PolicyError, SharedPolicy
from crossgate.flask import CORS, cross_origin
from flask import Blueprint, Flask, Response, abort, request, stream_with_context
from flask.views import MethodView
from werkzeug.test import create_environ

A, B, EVIL = "https://a.example", "https://b.example", "https://evil.example"


def make(**options: Any) -> Flask:
    app = Flask(__name__)
    app.logger.disabled = True
    if options:
        CORS(app, **options)

    @app.route("/", defaults={"path": ""})
    @app.route("/<path:path>")
    def any_path(path: str) -> str:
        return path

    return app


def get(
    app: Flask, path: str = "/", origin: str | None = A, method: str = "GET", **headers: str
) -> Any:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if origin is not None:
        given["Origin"] = origin
    return app.test_client().open(path, method=method, headers=given)


def preflight(
    app: Flask, path: str = "/", origin: str = A, method: str = "PUT", **headers: str
) -> Any:
    return get(app, path, origin, "OPTIONS", Access_Control_Request_Method=method, **headers)


def allowed(response: Any) -> str | None:
    found: str | None = response.headers.get("Access-Control-Allow-Origin")
    return found


def test_every_response_has_the_headers() -> None:
    app = Flask(__name__, static_folder=".", static_url_path="/static")
    app.logger.disabled = True
    CORS(app, origins=[A])

    @app.get("/boom")
    def boom() -> str:
        raise RuntimeError

    @app.get("/abort")
    def aborts() -> str:
        abort(418)

    @app.get("/stream")
    def stream() -> Response:
        def pieces() -> Iterator[str]:
            yield "a"
            yield "b"

        return Response(stream_with_context(pieces()))

    @app.get("/vary")
    def vary() -> tuple[str, dict[str, str]]:
        return "", {"Vary": "Cookie", "Access-Control-Allow-Origin": "*"}

    @app.before_request
    def refuse() -> tuple[str, int] | None:
        return ("no", 401) if request.path == "/private" else None

    for path, status in (
        ("/boom", 500),
        ("/abort", 418),
        ("/stream", 200),
        ("/nope", 404),
        ("/private", 401),
        ("/static/test_flask.py", 200),
    ):
        response = get(app, path)
        assert (response.status_code, allowed(response), response.headers["Vary"]) == (
            status,
            A,
            "Origin",
        ), path
        response.close()
    assert get(app, "/boom", method="POST").status_code == 405
    assert allowed(get(app, "/boom", method="POST")) == A
    assert allowed(get(app, "/abort", method="HEAD")) == A
    assert get(app, "/vary").headers["Vary"] == "Cookie, Origin"
    assert allowed(get(app, "/vary", EVIL)) is None
    # Before before_request, which would refuse it.
    assert preflight(app, "/private").status_code == 200


def test_the_defaults_of_flask_cors() -> None:
    app = make()
    CORS(app)
    assert allowed(get(app)) == "*"
    found = preflight(app, Access_Control_Request_Headers="authorization, x-a")
    assert found.status_code == 200
    assert (
        found.headers["Access-Control-Allow-Methods"]
        == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    )
    assert found.headers["Access-Control-Allow-Headers"] == "*, Authorization"
    assert found.headers["Content-Length"] == "0"


def test_init_app_config_arguments_and_resources_in_their_order() -> None:
    app = make()
    app.config.update(
        CORS_ORIGINS=[A],
        CORS_MAX_AGE=60,
        CORS_EXPOSE_HEADERS="X-Config",
        CORS_RESOURCES={"/x/*": {"max_age": 62}, "/y/*": {}},
    )
    cors = CORS(expose_headers=["X-Init"])
    cors.init_app(app, max_age=61)
    assert get(app, "/x/1").headers["Access-Control-Expose-Headers"] == "X-Init"
    assert preflight(app, "/x/1").headers["Access-Control-Max-Age"] == "62"
    assert preflight(app, "/y/1").headers["Access-Control-Max-Age"] == "61"
    assert allowed(get(app, "/z")) is None


def test_all_keys_of_the_config() -> None:
    app = make()
    app.config.update(
        CORS_ORIGINS=A,
        CORS_METHODS=["PUT"],
        CORS_ALLOW_HEADERS=["X-A"],
        CORS_EXPOSE_HEADERS=["X-E"],
        CORS_SUPPORTS_CREDENTIALS=True,
        CORS_MAX_AGE=timedelta(minutes=1),
        CORS_SEND_WILDCARD=False,
        CORS_AUTOMATIC_OPTIONS=True,
        CORS_VARY_HEADER=True,
        CORS_RESOURCES="/api/*",
        CORS_INTERCEPT_EXCEPTIONS=True,
        CORS_ALWAYS_SEND=True,
        CORS_ALLOW_PRIVATE_NETWORK=True,
    )
    CORS(app)
    found = preflight(app, "/api/x", Access_Control_Request_Private_Network="true")
    assert dict(found.headers) == {
        "Access-Control-Allow-Origin": A,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Allow-Headers": "X-A",
        "Access-Control-Max-Age": "60",
        "Access-Control-Allow-Private-Network": "true",
        "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Private-Network",
        "Content-Length": "0",
    }
    assert get(app, "/api/x").headers["Access-Control-Expose-Headers"] == "X-E"
    assert allowed(get(app, "/")) is None


@pytest.mark.parametrize(
    ("resources", "inside", "outside"),
    [
        ("/api/*", ["/api", "/api/", "/api/x", "/api/x/y"], ["/apix", "/API/x", "/", "/x/api/"]),
        (r"^/api/.*$", ["/api/", "/api/x"], ["/api", "/apix", "/API/x"]),
        ("/api", ["/api"], ["/api/x", "/apix"]),
        (r"/v\d+", ["/v1", "/v12/x"], ["/v1x", "/v"]),
        (r"/v\d+/items$", ["/v1/items"], ["/v1/items/1", "/v1/itemsx"]),
        (re.compile("/API/.*", re.IGNORECASE), ["/api/x", "/API/x"], ["/apix"]),
        (["/a/*", "/b"], ["/a/1", "/b"], ["/c", "/b/1"]),
        ("*", ["/", "/x"], []),
        ("/*", ["/", "/x"], []),
        ({"/a.b/*": {}}, ["/a.b/x"], ["/axb/x"]),
        ("/api+x", ["/api+x"], ["/api x"]),
        ("/ä/*", ["/ä/x", "/%C3%A4/x"], ["/%25C3%25A4/x"]),
    ],
)
def test_resources_end_at_segments(resources: Any, inside: list[str], outside: list[str]) -> None:
    app = make(origins=[A], resources=resources)
    assert [path for path in inside if allowed(get(app, path)) != A] == []
    assert [path for path in outside if allowed(get(app, path)) is not None] == []
    for path in outside:
        assert "Vary" not in get(app, path).headers


def test_the_most_specific_resource_wins_whatever_the_order() -> None:
    rules = {
        "/*": {"origins": "*"},
        "/api/*": {"origins": A},
        "/api/admin/*": {"origins": B},
        "/api/admin/open": {"origins": EVIL},
    }
    for resources in (rules, dict(reversed(rules.items()))):
        app = make(resources=resources)
        assert [
            allowed(get(app, path)) for path in ("/x", "/api/x", "/api/admin/x", "/api/admin/open")
        ] == [
            "*",
            A,
            None,
            None,
        ]
        assert allowed(get(app, "/api/admin/x", B)) == B
        assert allowed(get(app, "/api/admin/open", EVIL)) == EVIL
        assert allowed(preflight(app, "/api/admin/x")) is None


def test_what_can_be_read_in_two_ways_is_denied() -> None:
    app = make(
        resources={
            "/*": {"origins": "*"},
            "/api/admin/*": {"origins": B},
            r"/t/.*": {"origins": A},
            r"/t/(a|b).*": {"origins": "*"},
        }
    )
    for path in (
        "/api//admin/x",
        "/api/./admin/x",
        "/api/x/../admin/x",
        "/x/../api/admin/x",
        "/t/a",
    ):
        response = preflight(app, path)
        assert (response.status_code, allowed(response), "Vary" in response.headers) == (
            200,
            None,
            True,
        ), path
    assert allowed(preflight(app, "/x//y")) == "*"
    assert allowed(preflight(app, "/t/c")) == A


def test_two_extensions_share_an_application() -> None:
    app = make()
    CORS(app, resources="/a/*", origins=A)
    CORS(app, resources="/b/*", origins=B)
    CORS(app, resources="/b/*", origins=B)
    assert [allowed(get(app, "/a/x")), allowed(get(app, "/b/x")), allowed(get(app, "/b/x", B))] == [
        A,
        None,
        B,
    ]
    with pytest.raises(ValueError, match=r"'/b/\*' has other options already"):
        CORS(app, resources="/b/*", origins=A)


@pytest.mark.parametrize(
    ("origins", "yes", "no"),
    [
        (A, [A], [EVIL, "null", A.upper(), f"{A}/", f"{A}.evil.example"]),
        ([A, B], [A, B], [EVIL]),
        ((A, B), [A, B], [EVIL]),
        ({A, B}, [A, B], [EVIL]),
        ((origin for origin in (A, B)), [A, B], [EVIL]),
        ([], [], [A]),
        ([A, "null"], [A, "null"], [EVIL]),
        (
            r"https://.*\.example",
            ["https://x.example"],
            ["https://x.example.evil.com", "https://evil.com/.example"],
        ),
        (r"https://[A-Z]\.EXAMPLE", [A], [EVIL]),
        (re.compile(r"https://[ab]\.example"), [A, B], [EVIL]),
        (re.compile(r"https://(?!b)[a-z]\.example"), [A], [B, EVIL]),
        (
            "https://*.x.example",
            ["https://a.x.example"],
            ["https://x.example", "https://ax.example"],
        ),
        (
            "http://localhost:*",
            ["http://localhost:3000", "http://localhost"],
            ["http://localhost.evil.example"],
        ),
        ("http://[::1]:3000", ["http://[::1]:3000"], ["http://[::1]"]),
        (lambda origin: origin == A, [A], [B]),
        (
            [B, lambda origin: origin == A, re.compile("https://(?=c)c.example")],
            [A, B, "https://c.example"],
            [EVIL],
        ),
        (lambda origin: 1 / 0, [], [A]),
        (lambda origin: "yes", [], [A]),
    ],
)
def test_origins(origins: Any, yes: list[str], no: list[str]) -> None:
    app = make(origins=origins)
    assert [origin for origin in yes if allowed(get(app, origin=origin)) != origin] == []
    assert [origin for origin in no if allowed(get(app, origin=origin)) is not None] == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"origin": A},
            r"unknown_option at origin = https://a.example: CORS has no option 'origin' "
            r"\(try: origins\)",
        ),
        ({"origins": None}, "option_unset at origins: "),
        ({"origins": " "}, "option_unset at origins = "),
        ({"policy": None, "origins": A}, "option_unset at policy: "),
        ({"resources": {"/a": {"origins": None}}}, r"option_unset at resources\['/a'\].origins: "),
        ({"origins": b"x"}, "option_type at origins = bytes: must be an origin .* not bytes"),
        (
            {"origins": [A, 7]},
            r"option_type at origins\[1\] = 7: must be a str, a re.Pattern or a function, not int",
        ),
        ({"origins": f"{A}, {B}"}, r"origin_is_list at origins = "),
        ({"origins": [A, "b.example"]}, r"origin_missing_scheme at origins\[1\]"),
        ({"origins": "https://*"}, "pattern_too_broad at origins"),
        ({"origins": "https://x*.example.com"}, "pattern_unsupported at origins"),
        ({"origins": r"https://(.example"}, "regex_invalid at origins"),
        ({"supports_credentials": True}, r"any_with_credentials at origins"),
        (
            {"origins": [A, "null"], "supports_credentials": True},
            "null_with_credentials at origins",
        ),
        (
            {"origins": r"https://.*\.com", "supports_credentials": True},
            "pattern_too_broad at origins",
        ),
        ({"origins": A, "supports_credentials": "true"}, "option_type at supports_credentials"),
        ({"methods": "GET, PUT"}, "method_is_list at methods = "),
        ({"methods": ["TRACE"]}, r"method_forbidden at methods\[0\]"),
        ({"methods": ["PUT", "A B", "DELETE"]}, r"method_invalid at methods\[1\]"),
        ({"methods": 7}, "option_type at methods = 7: must be a str, or a list of them, not int"),
        ({"allow_headers": "X-A, X-B"}, "header_is_list at allow_headers"),
        (
            {"allow_headers": ["X-A", "X-.*"]},
            r"header_invalid at allow_headers\[1\] = X-\.\*: is a regex",
        ),
        (
            {"expose_headers": ["X-A", "S C", "A"]},
            r"header_invalid at expose_headers\[1\]",
        ),
        ({"max_age": "1h"}, "max_age_invalid at max_age = 1h: "),
        ({"max_age": "9" * 5000}, "max_age_invalid at max_age = 9"),
        ({"max_age": -1}, "max_age_invalid at max_age"),
        ({"send_wildcard": "no"}, "option_type at send_wildcard = no: must be a bool, not str"),
        ({"resources": 7}, "option_type at resources = 7: must be a path"),
        (
            {"resources": {"/a": None}},
            r"option_type at resources\['/a'\]: must be a dict of options, not NoneType",
        ),
        (
            {"resources": {"/a": {"origin": A}}},
            r"unknown_option at resources\['/a'\].origin = .* \(try: origins\)",
        ),
        (
            {"resources": {"/a": {"origins": "x"}}},
            r"origin_missing_scheme at resources\['/a'\].origins",
        ),
        ({"resources": {"/a": {}}, "origins": "x"}, r"origin_missing_scheme at origins"),
        (
            {"resources": {7: {}}},
            r"option_type at resources\[7\] = 7: must be a str or a re.Pattern of one, not int",
        ),
        (
            {"resources": re.compile(b"/x")},
            "option_type at resources = bytes: must be a str or a re.Pattern",
        ),
        ({"resources": "/a("}, r"regex_invalid at resources = /a\(: .* is no regular expression"),
        (
            {"policy": "x"},
            "option_type at policy = x: must be a crossgate.Policy or crossgate.SharedPolicy, "
            "not str",
        ),
        (
            {"policy": Policy(allow_origins="*"), "origins": A},
            "option_type at origins = .* leave this one out",
        ),
        ({"counters": 7}, "option_type at counters = 7: must be a crossgate.Counters, not int"),
    ],
)
def test_bad_options(options: Any, text: str) -> None:
    with pytest.raises(PolicyError, match=text):
        CORS(Flask(__name__), **options)


@pytest.mark.parametrize("where", ["option", "resource", "config"])
def test_plain_http_with_credentials_needs_its_exception(where: str) -> None:
    lan = "http://192.168.1.20:5173"

    def site(**options: Any) -> Flask:
        if where == "config":
            app = make()
            app.config.update({f"CORS_{name.upper()}": value for name, value in options.items()})
            CORS(app)
            return app
        return make(**({"resources": {"/*": options}} if where == "resource" else options))

    options = {"origins": [lan], "supports_credentials": True}
    (error,) = [code for code, _ in errors_of(lambda: site(**options))]
    assert error == "insecure_origin_with_credentials"
    app = site(**options, dangerously_allow=["insecure_origins_with_credentials"])
    assert get(app, origin=lan).headers["Access-Control-Allow-Origin"] == lan
    ((code, path),) = errors_of(lambda: site(**options | {"dangerously_allow": ["x"]}))[:1]
    assert code == "gate_unknown"
    names = {"config": "CORS_DANGEROUSLY_ALLOW", "resource": "resources['/*'].dangerously_allow"}
    assert path == names.get(where, "dangerously_allow") + "[0]"


WRONG: dict[str, Any] = {
    "origins": [A, 7, f"{B}/"],
    "methods": 5,
    "allow_headers": ["X-.*", "A B", 3],
    "expose_headers": {"X-A": 1},
    "supports_credentials": "yes",
    "max_age": "x",
    "send_wildcard": 1,
    "allow_private_network": None,
}
FOUND = [
    ("option_type", "send_wildcard"),
    ("option_type", "origins[1]"),
    ("option_type", "methods"),
    ("header_invalid", "allow_headers[0]"),
    ("option_type", "expose_headers"),
    ("origin_has_path", "origins[2]"),
    ("header_invalid", "allow_headers[1]"),
    ("option_type", "allow_headers[2]"),
    ("option_type", "supports_credentials"),
    ("max_age_invalid", "max_age"),
    ("option_type", "allow_private_network"),
]


def errors_of(build: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(PolicyError) as raised:
        build()
    problems = [problem for problem in raised.value.problems if problem.severity == "error"]
    assert f"{len(problems)} error{'s' * (len(problems) != 1)}\n" in str(raised.value)
    assert all(str(problem) in str(raised.value) for problem in problems)
    return [(problem.code, problem.path) for problem in problems]


def test_wrong_types_hide_nothing() -> None:
    for build in (
        lambda: CORS(Flask(__name__), **WRONG),
        lambda: CORS(**WRONG).init_app(Blueprint("b", __name__)),
    ):
        assert sorted(errors_of(build)) == sorted(FOUND)
    assert sorted(errors_of(lambda: cross_origin(**WRONG))) == sorted(FOUND)


def test_wrong_types_in_the_config_are_named_as_there() -> None:
    app = Flask(__name__)
    app.config.update(
        {f"CORS_{name.upper()}": value for name, value in WRONG.items() if value is not None}
    )
    expected = [
        (code, f"CORS_{path.upper()}")
        for code, path in FOUND
        if path not in ("allow_private_network", "max_age")
    ]
    assert sorted(errors_of(lambda: CORS(app, max_age="y"))) == sorted(
        [*expected, ("max_age_invalid", "max_age")]
    )
    app.config["CORS_RESOURCES"] = {"/a": {"max_age": "y", "origin": A}, 7: {}, "/b(": 3}
    assert sorted(errors_of(lambda: CORS(app))) == sorted(
        [
            *expected,
            ("max_age_invalid", "CORS_MAX_AGE"),
            ("max_age_invalid", "CORS_RESOURCES['/a'].max_age"),
            ("unknown_option", "CORS_RESOURCES['/a'].origin"),
            ("option_type", "CORS_RESOURCES[7]"),
            ("option_type", "CORS_RESOURCES['/b(']"),
            ("regex_invalid", "CORS_RESOURCES['/b(']"),
        ]
    )


def test_a_decorator_without_origins_is_examined_at_once() -> None:
    found = errors_of(lambda: cross_origin(methods=7, max_age="x", supports_credentials=True))  # type: ignore[arg-type]
    assert found == [("option_type", "methods"), ("max_age_invalid", "max_age")]


def test_values_of_problems_are_safe_to_log() -> None:
    with pytest.raises(PolicyError) as raised:
        CORS(Flask(__name__), allow_headers=["[\n\u202e" + "x" * 1000], send_wildcard="\r\n")  # type: ignore[arg-type]
    assert all(
        len(problem.value) < 250 and problem.value.isascii() for problem in raised.value.problems
    )
    assert all(problem.value.isprintable() for problem in raised.value.problems)


def test_errors_speak_of_what_was_written() -> None:
    with pytest.raises(PolicyError) as raised:
        CORS(Flask(__name__), origins=["https://a.example/"])
    assert [(problem.code, problem.path) for problem in raised.value.problems] == [
        ("origin_has_path", "origins[0]")
    ]
    assert str(raised.value).startswith(
        "invalid CORS policy: 1 error\n  error origin_has_path at origins[0] = https://a.example/:"
    )
    with pytest.raises(TypeError, match="app must be a Flask application or a Blueprint, not str"):
        CORS("app")  # type: ignore[arg-type]


def test_a_policy_in_place_of_options() -> None:
    policy = Policy(
        allow_origins=[A], denied_actual="reject", own_origins=[B], preflight_status=204
    )
    app = make(policy=policy)
    assert get(app, "/", EVIL).status_code == 403
    assert preflight(app).status_code == 204


def test_decorated_views() -> None:
    for with_extension in (False, True):
        app = Flask(__name__)
        app.logger.disabled = True
        if with_extension:
            CORS(app, origins=B)

        @app.route("/x", methods=["GET", "PUT"])
        @cross_origin(origins=A, methods=["PUT"], expose_headers="X-A")
        def x() -> str:
            return "x"

        @app.get("/abort")
        @cross_origin(origins=A)
        def aborts() -> str:
            abort(403)

        @app.get("/boom")
        @cross_origin(origins=A)
        def boom() -> str:
            raise RuntimeError

        @app.get("/plain")
        def plain() -> str:
            return "plain"

        for path, status in (("/x", 200), ("/abort", 403), ("/boom", 500)):
            found = get(app, path)
            assert (found.status_code, allowed(found), found.headers["Vary"]) == (
                status,
                A,
                "Origin",
            ), path
            assert allowed(get(app, path, B)) is None
        assert get(app, "/x").headers["Access-Control-Expose-Headers"] == "X-A"
        found = preflight(app, "/x")
        assert (
            found.status_code,
            allowed(found),
            found.headers["Access-Control-Allow-Methods"],
        ) == (200, A, "PUT")
        assert allowed(preflight(app, "/x", B)) is None
        assert allowed(preflight(app, "/x", method="DELETE")) == A
        assert get(app, "/x", method="OPTIONS").headers["Allow"]
        assert allowed(get(app, "/plain", B)) == (B if with_extension else None)
        assert allowed(preflight(app, "/plain", B)) == (B if with_extension else None)


def test_decorators_read_the_config_of_their_application() -> None:
    @cross_origin(max_age=60)
    def view() -> str:
        return "x"

    for origin in (A, B):
        app = Flask(__name__)
        app.config["CORS_ORIGINS"] = origin
        app.add_url_rule("/", view_func=view)
        assert [allowed(get(app, origin=asked)) for asked in (A, B)] == [
            asked if asked == origin else None for asked in (A, B)
        ]


def test_a_decorator_that_makes_no_policy_with_the_config_denies_preflights() -> None:
    app = make()
    CORS(app, origins=[A])

    @app.get("/bad/view")
    @cross_origin(supports_credentials=True, methods=["GET"])
    def view() -> str:
        return "x"

    assert allowed(preflight(app, "/bad/view")) is None
    found = get(app, "/bad/view")
    assert (found.status_code, allowed(found)) == (500, A)


def test_bad_decorators() -> None:
    with pytest.raises(PolicyError, match="cross_origin has no option 'resources'"):
        cross_origin(resources="/x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="takes options by name"):
        cross_origin(A)
    with pytest.raises(PolicyError, match="origin_has_path at origins"):
        cross_origin(origins=f"{A}/")


def test_automatic_options_can_be_the_view_s() -> None:
    app = Flask(__name__)

    @app.route("/", methods=["GET", "OPTIONS"])
    @cross_origin(origins=A, automatic_options=False)
    def view() -> str:
        return request.method

    assert get(app, method="OPTIONS").data == b"OPTIONS"
    assert allowed(get(app, method="OPTIONS")) == A


def test_class_based_and_bare_decorators() -> None:
    app = make()
    CORS(app, origins=B)

    class Item(MethodView):
        decorators: ClassVar[list[Any]] = [cross_origin(origins=A)]

        def get(self) -> str:
            return "item"

    class Part(MethodView):
        @cross_origin(origins=A)
        def put(self) -> str:
            return "part"

    app.add_url_rule("/c/item", view_func=Item.as_view("item"))
    app.add_url_rule("/c/part", view_func=Part.as_view("part"))

    @app.get("/c/bare")
    @cross_origin
    def bare() -> str:
        return "bare"

    assert [allowed(get(app, "/c/item")), allowed(preflight(app, "/c/item"))] == [A, A]
    assert [allowed(get(app, "/c/part", method="PUT")), allowed(preflight(app, "/c/part"))] == [
        A,
        A,
    ]
    assert allowed(get(app, "/c/bare", EVIL)) == "*"


def test_blueprints() -> None:
    inner, outer = Blueprint("inner", __name__), Blueprint("outer", __name__)
    CORS(inner, origins=A)
    CORS(outer, origins=B, resources="/o/only")

    @inner.get("/x")
    def x() -> str:
        return "x"

    @inner.get("/boom")
    def boom() -> str:
        raise RuntimeError

    @outer.get("/only")
    @outer.get("/other")
    def only() -> str:
        return "only"

    outer.register_blueprint(inner, url_prefix="/i")
    for extension in (None, EVIL):
        app = make()
        if extension:
            CORS(app, origins=extension)
        app.register_blueprint(outer, url_prefix="/o")
        for path, status in (("/o/i/x", 200), ("/o/i/boom", 500)):
            assert (get(app, path).status_code, allowed(get(app, path))) == (status, A)
            assert allowed(preflight(app, path, method="GET")) == A
            assert allowed(get(app, path, B)) is None
        assert [allowed(get(app, path, B)) for path in ("/o/only", "/o/other", "/x")] == [
            B,
            None,
            None,
        ]
        assert allowed(preflight(app, "/o/only", B, method="GET")) == B
        assert allowed(get(app, "/o/other", EVIL)) == extension
        assert allowed(get(app, "/x", EVIL)) == extension


def test_nothing_of_a_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    # What this one says at DEBUG is escaped: test_denials.py.
    caplog.set_level(logging.INFO, logger="crossgate.decisions")
    app = make(origins=[A], resources={"/api/*": {}})
    get(app, "/api/x%0d%0aforged", "https://a.example\u00e9")
    assert caplog.text == ""


@pytest.mark.parametrize("value", ["\u00e9", "x" * 70_000, ", ,", "null", "%0d%0a"])
def test_no_request_raises(value: str) -> None:
    app = make(resources={"/*": {"origins": A}, "/api/admin/*": {"origins": "*"}})

    @app.get("/api/view")
    @cross_origin(origins=A)
    def view() -> str:
        return "x"

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        assert status == "200 OK"

    for odd in (
        {"PATH_INFO": "/api/\u20ac"},
        {"PATH_INFO": None},
        {"PATH_INFO": value},
        {"wsgi.url_scheme": value},
        {"HTTP_HOST": value},
    ):
        environ = {
            **create_environ("/api/view", method="OPTIONS"),
            "HTTP_ORIGIN": value,
            "HTTP_ACCESS_CONTROL_REQUEST_METHOD": value,
            **odd,
        }
        assert list(app.wsgi_app(environ, start_response)) == []


def test_applications_are_collected() -> None:
    app = make(origins=[A, re.compile("https://(?=x)x.example")])
    get(app)
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None


def test_a_shared_policy_is_swapped_while_serving() -> None:
    shared, differences = SharedPolicy(Policy(allow_origins=[A])), []
    app = make(policy=shared)

    @app.get("/view")
    @cross_origin(policy=shared)
    def view() -> str:
        return "view"

    for path in ("/", "/view"):
        shared.replace(Policy(allow_origins=[A]))
        assert allowed(get(app, path)) == A
        shared.set_shadow(
            Policy(allow_origins=[A, B]),
            lambda difference, _: differences.append(difference.shadow.reason),
        )
        shared.replace(Policy(allow_origins=[B]))
        assert (allowed(get(app, path)), allowed(get(app, path, B))) == (None, B)
        assert allowed(preflight(app, path, B, "GET")) == B
        shared.set_shadow(None)
    assert set(differences) == {"allowed"}


def test_counters() -> None:
    """Each request once, by what its view's options say."""
    counters, of_view = Counters(), Counters()
    app = make(origins=[A], counters=counters)

    @app.get("/view")
    @cross_origin(origins=[B], counters=of_view)
    def view() -> Any:
        return "view", {"Access-Control-Allow-Origin": "*"}

    for path in ("/", "/view"):
        get(app, path, A)
        get(app, path, B)
    preflight(app, "/", EVIL)
    seen = {reason: count for reason, count in counters.as_dict().items() if count}
    assert seen == {"allowed": 1, "origin_not_listed": 2}
    seen = {reason: count for reason, count in of_view.as_dict().items() if count}
    assert (seen, of_view.overwrote_upstream) == ({"allowed": 1, "origin_not_listed": 1}, 2)
    with pytest.raises(
        PolicyError, match=r"counters = dict: must be a crossgate.Counters, not dict"
    ):
        make(origins=[A], counters={})
