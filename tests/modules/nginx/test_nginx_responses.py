"""Responses: each has the headers once, whoever made it."""

import re
import subprocess

import pytest
from nginx_harness import Connection, wait_until
from nginx_site import ANSWERED, EVIL, GRANTED, PUT, A

RESPONSES = [
    ("GET", "/a.txt", 200, []),
    ("HEAD", "/a.txt", 200, []),
    ("GET", "/a.txt", 206, [("Range", "bytes=0-3")]),
    ("GET", "/a.txt", 416, [("Range", "bytes=1000-")]),
    ("GET", "/a.txt", 304, [("If-None-Match", "*")]),
    ("GET", "/a.txt", 412, [("If-Match", '"x"')]),
    ("GET", "/a.txt", 400, [("Host", "a"), ("Host", "b")]),
    ("POST", "/a.txt", 405, []),
    ("GET", "/none", 404, []),
    ("GET", "/directory", 301, []),
    ("GET", "/directory/", 200, []),
    ("GET", "/server-redirect", 301, []),
    ("GET", "/server-return", 403, []),
    *(
        ("GET", f"/return/{status}", status, [])
        for status in (200, 204, 301, 302, 403, 404, 429, 500, 503)
    ),
    ("GET", "/auth", 401, []),
    ("GET", "/auth-request", 403, []),
    ("GET", "/auth-refused", 401, []),
    ("GET", "/deny", 403, []),
    ("POST", "/limited", 403, []),
    ("GET", "/error-page", 404, []),
    ("GET", "/error-named", 404, []),
    ("GET", "/dead/", 502, []),
    ("GET", "/proxy", 301, []),
    ("GET", "/proxy/none", 404, []),
    ("GET", "/tried", 200, []),
    ("GET", "/accel", 200, []),
    ("GET", "/ssi", 200, []),
    ("GET", "/if", 200, []),
    ("GET", "/if?x=1", 418, []),
]


@pytest.mark.parametrize(("method", "path", "status", "headers"), RESPONSES)
def test_every_response_has_the_headers_once(site, method, path, status, headers):
    allowed = site.ask(method, path, A, *headers)
    assert (allowed.status, allowed.cors) == (status, GRANTED)
    denied = site.ask(method, path, EVIL, *headers)
    assert (denied.status, denied.cors) == (status, {"vary": "Origin"})
    absent = site.ask(method, path, *headers)
    assert (absent.status, absent.cors) == (status, {"vary": "Origin"})


def test_a_body_that_is_too_big(site):
    response = site.ask("POST", "/return/200", A, body=b"x" * 2000)
    assert (response.status, response.cors) == (413, GRANTED)
    assert response.body  # nginx's own page, not an answer of the module


def test_a_request_that_nginx_cannot_read(site):
    with Connection(site.port) as connection:
        connection.socket.sendall(b"get / HTTP/1.1\r\n\r\n")
        assert connection.read().status == 400
    with Connection(site.port) as connection:
        connection.socket.sendall(
            b"OPTIONS /a.txt HTTP/1.1\r\nOrigin: https://a.example\r\n" + b"X: \0\r\n\r\n"
        )
        response = connection.read()
    assert response.status == 400  # and no answer to a preflight, whatever it was going to be


def test_keep_alive_and_head(site):
    with Connection(site.port) as connection:
        for _ in range(20):
            assert (
                connection.ask(
                    "OPTIONS", "/auth", A, PUT, body=b"a body, though none belongs here"
                ).cors
                == ANSWERED
            )
            assert (
                connection.ask("OPTIONS", "/return/301", A, PUT, body=b"another").cors == ANSWERED
            )
            assert connection.ask("HEAD", "/a.txt", A).cors == GRANTED
            assert connection.ask("GET", "/a.txt", EVIL).cors == {"vary": "Origin"}
            assert connection.ask("GET", "/reject-file", EVIL).status == 403
            assert connection.ask("OPTIONS", "/status", A, PUT).status == 200
            assert connection.ask("GET", "/none", A).cors == GRANTED


def test_interim_responses_have_nothing(site):
    with Connection(site.port) as connection:
        connection.socket.sendall(
            b"POST /proxy/plain HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n"
            b"Content-Length: 1\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        interim = connection.read()
        assert (interim.status, interim.headers) == (100, [])
        connection.socket.sendall(b"x")
        final = connection.read()
    assert (final.status, final.one("access-control-allow-origin")) == (200, "https://a.example")
    switched = site.ask("GET", "/switch/upgrade", A, ("Connection", "upgrade"), ("Upgrade", "x"))
    assert (switched.status, switched.cors) == (101, {})


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199])
@pytest.mark.parametrize("place", ["/proxy", "/interim/page", "/interim/cached"])
def test_an_interim_response_of_an_upstream_is_not_passed_on(site, place, status):
    """nginx takes it for the final one. Also a 101 that nobody asked for."""
    for headers, expected in (
        ([A], GRANTED),
        ([EVIL], {"vary": "Origin"}),
        ([], {"vary": "Origin"}),
    ):
        with Connection(site.port) as connection:
            response = connection.ask("GET", f"{place}/{status}", *headers)
            assert (response.status, response.cors) == (502, expected)
            assert response.one("x-own") is response.one("link") is None
            assert b"stars" not in response.body + connection.buffer
            assert (b"bare" in response.body) == (place == "/interim/page")
    assert re.search(rf"\[error\].*the upstream sent status {status}", site.nginx.errors)


def test_an_interim_response_over_http2(site):
    url = f"http://127.0.0.1:{site.h2}/proxy/103"
    command = ["curl", "-s", "-i", "--http2-prior-knowledge", "-H", ": ".join(EVIL), url]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    assert answer.startswith("HTTP/2 502"), answer
    assert "stars" not in answer
    assert "access-control" not in answer.lower()


def test_an_interim_response_without_a_policy_is_left_to_nginx(site):
    assert site.ask("GET", "/interim/off/103").status == 103


def test_gzip(site):
    response = site.ask("GET", "/gzip", A, ("Accept-Encoding", "gzip"))
    assert response.one("content-encoding") == "gzip"
    assert response.one("access-control-allow-origin") == "https://a.example"
    # nginx writes the one of gzip_vary itself, behind all filters.
    assert sorted(response.all("vary")) == ["Accept-Encoding", "Origin"]


@pytest.mark.parametrize(("path", "status"), [("stars", 200), ("500", 500)])
def test_headers_of_an_upstream_are_replaced(site, path, status):
    allowed = site.ask("GET", f"/proxy/{path}", A)
    assert allowed.status == status
    assert allowed.cors == GRANTED | {
        "access-control-expose-headers": "X-Up, x-total, X-Down",
        "vary": "Accept-Encoding, accept, Origin",
    }
    for headers in ([EVIL], []):
        response = site.ask("GET", f"/proxy/{path}", *headers)
        assert response.cors == {"vary": "Accept-Encoding, accept, Origin"}
        assert response.one("x-own") == "yes"


def test_vary_of_an_upstream(site):
    assert site.ask("GET", "/proxy/plain", A).one("vary") == "Accept, Origin"
    assert site.ask("GET", "/proxy/star-vary", A).one("vary") == "*"
    # With a space behind each comma it is longer than both parts together.
    assert site.ask("GET", "/proxy/tight-vary", A).one("vary") == "a, b, c, d, e, f, g, h, Origin"


def test_headers_of_an_upstream_are_kept_if_the_policy_says_so(site):
    kept = site.ask("GET", "/keep/stars", EVIL)
    assert kept.all("access-control-allow-origin") == ["*", "https://x.example"]
    assert kept.one("access-control-max-age") == "1"
    assert kept.all("access-control-expose-headers") == ["X-Up, x-total", "X-Down"]
    assert kept.one("vary") == "Accept-Encoding, accept, Origin"
    # Where there is nothing to keep, the policy's own headers come.
    assert site.ask("GET", "/keep/plain", A).cors == GRANTED | {"vary": "Accept, Origin"}


def test_add_header_is_replaced(site):
    for path in ("/own-header", "/own-header/none"):
        assert site.ask("GET", path, EVIL).cors == {"vary": "Accept, origin"}
        assert site.ask("GET", path, A).cors == GRANTED | {"vary": "Accept, origin"}


def test_a_cached_response_gets_the_headers_of_each_request(site):
    # nginx stores a response a little after it has sent it.
    wait_until(
        lambda: site.ask("GET", "/cached/cacheable", A).one("x-cache") == "HIT",
        "the response is stored",
    )
    for origin in (A, EVIL, ("Origin", "https://b.wild.example"), None):
        response = site.ask("GET", "/cached/cacheable", *([origin] if origin else []))
        assert (response.one("x-cache"), response.body) == ("HIT", b"cache")
        expected = origin[1] if origin and origin != EVIL else None
        assert response.one("access-control-allow-origin") == expected
        assert response.one("vary") == "Origin"
