"""The logger `crossgate.decisions`: every adapter tells each denial once, with the name at fault,
and nothing that a request sends can pass for something else.
"""

import logging
import sys

import asgi_calls
import pytest
from crossgate import Policy, SharedPolicy
from crossgate.asgi import CORSMiddleware as Asgi
from crossgate.wsgi import CORSMiddleware as Wsgi

A, EVIL = "https://a.example", "https://evil.example"
OPTIONS = {"allow_origins": [A], "allow_methods": ["PUT"], "allow_headers": ["X-Token"]}


def preflight(method, names=None, origin=A):
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    return headers | ({} if names is None else {"Access-Control-Request-Headers": names})


DENIED = [
    ("GET", {"Origin": EVIL}, "origin_not_listed", None),
    ("OPTIONS", preflight("DELETE"), "method_not_allowed", "DELETE"),
    ("OPTIONS", preflight("put"), "method_case", "put"),
    ("OPTIONS", preflight("PUT", "x-token,baggage,b"), "header_not_allowed", "baggage"),
    ("OPTIONS", preflight("PUT", 'a b="c"'), "header_list_malformed", r"a\x20b\x3d\x22c\x22"),
    ("OPTIONS", preflight("PUT", "x" * 9000), "header_list_too_long", None),
]
ALLOWED = [("GET", {}), ("GET", {"Origin": A}), ("OPTIONS", preflight("PUT", "x-token"))]


def asgi(policy):
    middleware = Asgi(asgi_calls.application(), policy=policy)

    def ask(method, headers):
        pairs = [(name.lower().encode(), headers[name].encode("latin-1")) for name in headers]
        asgi_calls.run(middleware, asgi_calls.scope(*pairs, method=method))

    return ask


def wsgi(policy):
    def app(_, start_response):
        start_response("200 OK", [])
        return []

    middleware = Wsgi(app, policy=policy)

    def ask(method, headers):
        environ = {"HTTP_" + name.upper().replace("-", "_"): headers[name] for name in headers}
        list(middleware({"REQUEST_METHOD": method} | environ, lambda *_: None))

    return ask


@pytest.fixture
def logged(caplog):
    def lines(ask, method, headers):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="crossgate.decisions"):
            ask(method, headers)
        return [
            record.getMessage() for record in caplog.records if record.name == "crossgate.decisions"
        ]

    return lines


@pytest.mark.parametrize("adapter", [asgi, wsgi])
@pytest.mark.parametrize("shared", [False, True])
def test_every_denial_is_told_once(logged, adapter, shared):
    policy = Policy(**OPTIONS)
    ask = adapter(SharedPolicy(policy) if shared else policy)
    for method, headers, reason, name in DENIED:
        kind, action = ("preflight", "answer") if method == "OPTIONS" else ("actual", "forward")
        denied = f" denied_name={name}" if name else ""
        line = f"CORS denied: kind={kind} reason={reason} action={action}{denied}"
        # Answers to preflights are remembered at some time.
        for _ in range(40):
            assert logged(ask, method, headers) == [f"{line} origin={headers['Origin']}"]
        assert policy.denied_name(method, headers.items(), reason) == name
    for method, headers in ALLOWED:
        assert logged(ask, method, headers) == []


@pytest.mark.parametrize("adapter", [asgi, wsgi])
def test_nobody_is_told_by_default(caplog, adapter):
    ask = adapter(Policy(**OPTIONS))
    for level in (logging.INFO, logging.DEBUG, logging.INFO):
        caplog.clear()
        with caplog.at_level(level, logger="crossgate.decisions"):
            ask("GET", {"Origin": EVIL})
        # A level that changes counts at once.
        assert len(caplog.records) == (level == logging.DEBUG)


def test_a_logger_that_fails_fails_no_request(caplog, monkeypatch):
    class Broken(logging.Filter):
        def filter(self, record):
            raise RuntimeError("broken")

    logger = logging.getLogger("crossgate.decisions")
    broken = Broken()
    unraisable: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: unraisable.append(args.exc_value))
    logger.addFilter(broken)
    try:
        with caplog.at_level(logging.DEBUG, logger="crossgate.decisions"):
            wsgi(Policy(**OPTIONS))("GET", {"Origin": EVIL})
    finally:
        logger.removeFilter(broken)
    assert [str(error) for error in unraisable] == ["broken"]


FORGED = ["https://a reason=allowed", "x\nDEBUG crossgate", 'a"b\x1b[2J\xff', "y" * 5000]


@pytest.mark.parametrize("forged", FORGED)
def test_no_field_can_be_forged(logged, forged):
    ask = wsgi(Policy(**OPTIONS))
    for headers in (preflight(forged), preflight("PUT", forged), preflight("PUT", None, forged)):
        (line,) = logged(ask, "OPTIONS", headers)
        fields = [field.split("=") for field in line.removeprefix("CORS denied: ").split(" ")]
        names = [field[0] for field in fields if field[0] != "denied_name"]
        assert names == ["kind", "reason", "action", "origin"]
        assert all(len(field) == 2 for field in fields)
        assert line.isascii()
        assert line.isprintable()


def test_denied_name_needs_a_reason():
    with pytest.raises(ValueError, match="no reason is"):
        Policy(**OPTIONS).denied_name("GET", [], "nonsense")


def test_a_regex_that_ran_out_of_steps_is_told(logged):
    policy = Policy(allow_origin_regexes=["https://(a|b|ab)*(?=c)"])
    (line,) = logged(wsgi(policy), "GET", {"Origin": "https://" + "ab" * 28})
    assert line.endswith(" regex_step_limit=true")
    (line,) = logged(wsgi(policy), "GET", {"Origin": "https://ab"})
    assert "regex_step_limit" not in line
