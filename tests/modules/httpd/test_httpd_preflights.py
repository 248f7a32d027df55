"""Preflights are answered before everything else."""

import pytest
from httpd_server import Connection
from httpd_site import ACTUAL, EVIL, PREFLIGHT, PUT, A


@pytest.mark.parametrize(
    "path",
    [
        "/api/a.txt",
        "/api/auth/a.txt",
        "/api/denied/a.txt",
        "/api/denied-old/a.txt",
        "/api/limited/a.txt",
        "/api/missing",
        "/api/sub",
        "/api/front/page",
        "/api/front/away",
        "/api/fails.cgi",
        "/loc/a.txt",
        "/loc/moved",
        "/loc/rewritten",
        "/loc/forbidden",
        "/loc/gone",
        "/loc/idiom",
        "/up/x",
        "/up/broken/x",
    ],
)
def test_a_preflight_is_answered_before_everything_else(server, path):
    server.upstream.seen.clear()
    answer = server.request("OPTIONS", path, A, PUT, ("Access-Control-Request-Headers", "x-token"))
    assert answer.status == 204
    assert answer.cors == PREFLIGHT
    for name in (
        "content-length",
        "content-type",
        "location",
        "set-cookie",
        "allow",
        "www-authenticate",
    ):
        assert answer.get(name) is None, name
    assert server.upstream.seen == []


@pytest.mark.parametrize("path", ["/api/auth/a.txt", "/loc/moved", "/up/x"])
def test_a_preflight_that_is_denied(server, path):
    answer = server.request("OPTIONS", path, EVIL, PUT)
    assert answer.status == 403
    assert answer.cors == {"vary": "Origin, Access-Control-Request-Method"}
    assert answer.get("content-length") == "0"
    assert answer.get("content-type") is None


def test_other_preflight_statuses(server):
    answer = server.request("OPTIONS", "/up/200/x", A, PUT)
    assert (answer.status, answer.get("content-length"), answer.get("content-type")) == (
        200,
        "0",
        None,
    )
    answer = server.request("OPTIONS", "/up/200/x", EVIL, PUT)
    assert (answer.status, answer.get("content-length"), answer.get("content-type")) == (
        404,
        "0",
        None,
    )


def test_a_preflight_with_a_body_and_keep_alive(server):
    with Connection(server.port) as connection:
        for _ in range(3):
            assert (
                connection.request("OPTIONS", "/api/a.txt", [A, PUT], body=b"x" * 5000).cors
                == PREFLIGHT
            )
            assert connection.request("GET", "/api/a.txt", [A]).cors == ACTUAL
            assert (
                connection.request("OPTIONS", "/loc/moved", [A, PUT], body=b"x" * 5000).cors
                == PREFLIGHT
            )
            assert connection.request("GET", "/plain/target.txt", [A]).cors == {}


def test_echoed_header_names(server):
    answer = server.request(
        "OPTIONS", "/up/echo/x", A, PUT, ("Access-Control-Request-Headers", "x-one,x-two")
    )
    assert answer.cors["access-control-allow-headers"] == "x-one, x-two"
    assert (
        answer.cors["vary"]
        == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    )


def test_options_without_a_requested_method_reaches_the_handler(server):
    server.upstream.seen.clear()
    answer = server.request("OPTIONS", "/up/x", A)
    assert answer.status == 200
    assert answer.cors == ACTUAL | {"vary": "Origin, Access-Control-Request-Method"}
    assert server.upstream.seen == [("OPTIONS", "/x")]


def test_the_whole_server(server):
    other = ("Host", "other.example")
    answer = server.request("OPTIONS", "*", A, PUT, other)
    assert answer.status == 204
    assert answer.cors["access-control-allow-origin"] == "*"
    answer = server.request("OPTIONS", "*", other)
    assert answer.status == 200
    assert answer.cors == {
        "access-control-allow-origin": "*",
        "vary": "Origin, Access-Control-Request-Method",
    }
    assert server.request("OPTIONS", "*", A, PUT).cors == {}
