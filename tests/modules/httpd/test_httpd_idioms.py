"""The usual mod_headers, SetEnvIf and mod_rewrite lines beside the module: what they get wrong.

Each test asks /idiom and /module for the same thing, on one server. docs/httpd.md cites these
tests.
"""

import json

import pytest
from httpd_server import Connection, Httpd, Upstream

A = ("Origin", "https://a.example")
EVIL = ("Origin", "https://evil.example")
PUT = ("Access-Control-Request-Method", "PUT")
POLICY = {
    "allow_origins": ["https://a.example", "https://www.a.example"],
    "allow_credentials": True,
    "allow_methods": ["PUT"],
    "allow_headers": ["X-Token"],
}

CONFIGURATION = """
<Directory "{root}/htdocs">
    Require all granted
</Directory>
<Location "/idiom">
    SetEnvIf Origin "https://(www.)?a.example" CORS_ORIGIN=$0
    Header set Access-Control-Allow-Origin "%{CORS_ORIGIN}e" env=CORS_ORIGIN
    Header set Access-Control-Allow-Credentials "true"
    Header set Access-Control-Allow-Methods "GET, POST, PUT"
    Header set Access-Control-Allow-Headers "X-Token"
</Location>
<Location "/idiom/reflected">
    SetEnvIf Origin "(.*)" CORS_ORIGIN=$1
</Location>
<Location "/idiom/always">
    Header always set Access-Control-Allow-Origin "%{CORS_ORIGIN}e" env=CORS_ORIGIN
</Location>
<LocationMatch "^/(idiom|module)/auth">
    AuthType Basic
    AuthName private
    AuthUserFile "{root}/users"
    Require valid-user
</LocationMatch>
<Location "/module">
    CrossgatePolicy policies/policy.json
</Location>
RewriteEngine On
RewriteCond "%{REQUEST_METHOD}" =OPTIONS
RewriteRule "^/idiom/options" "-" [R=200,L]
ProxyPass "/idiom/up/" "http://127.0.0.1:{upstream}/"
ProxyPass "/idiom/options/" "http://127.0.0.1:{upstream}/"
ProxyPass "/idiom/always/up/" "http://127.0.0.1:{upstream}/"
ProxyPass "/module/up/" "http://127.0.0.1:{upstream}/"
ProxyPass "/module/always/up/" "http://127.0.0.1:{upstream}/"
ProxyPass "/module/options/" "http://127.0.0.1:{upstream}/"
"""


@pytest.fixture(scope="module")
def server(module):
    upstream = Upstream()
    httpd = Httpd(module, CONFIGURATION, upstream=upstream.port)
    httpd.file("policies/policy.json", json.dumps(POLICY))
    httpd.file("users", "")
    for side in ("idiom", "module"):
        for name in ("a.txt", "always/a.txt", "reflected/a.txt", "auth/a.txt"):
            httpd.file(f"htdocs/{side}/{name}", "text\n")
    with httpd:
        httpd.upstream = upstream
        yield httpd
    upstream.stop()


def both(server, method, path, *headers, body=None):
    return [
        server.request(method, side + path, *headers, body=body) for side in ("/idiom", "/module")
    ]


def test_both_answer_the_simple_request(server):
    for answer in both(server, "GET", "/a.txt", A):
        assert (answer.status, answer.cors["access-control-allow-origin"]) == (200, A[1])


def test_errors_have_no_headers(server):
    idiom, module = both(server, "GET", "/missing", A)
    assert (idiom.status, module.status) == (404, 404)
    assert idiom.cors == {}
    assert module.cors["access-control-allow-origin"] == A[1]


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example.evil.example",
        "https://aXexample",
        "https://wwwXa.example",
        "null https://a.example",
    ],
)
def test_the_pattern_matches_strangers(server, origin):
    idiom, module = both(server, "GET", "/a.txt", ("Origin", origin))
    assert "https://" in idiom.cors["access-control-allow-origin"]
    assert module.cors == {"vary": "Origin"}


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_reflected_origin_gets_credentials(server, origin):
    idiom, module = both(server, "GET", "/reflected/a.txt", ("Origin", origin))
    assert idiom.cors["access-control-allow-origin"] == origin
    assert idiom.cors["access-control-allow-credentials"] == "true"
    assert module.cors == {"vary": "Origin"}


def test_strangers_see_the_configuration(server):
    idiom, module = both(server, "GET", "/a.txt", EVIL)
    assert {"access-control-allow-credentials", "access-control-allow-methods"} <= set(idiom.cors)
    assert module.cors == {"vary": "Origin"}


def test_vary_is_forgotten(server):
    """A shared cache then gives one origin's answer to another."""
    for origin in ([A], [EVIL], []):
        idiom, module = both(server, "GET", "/a.txt", *origin)
        assert idiom.get("vary") is None
        assert module.get("vary") == "Origin"


def test_a_preflight_needs_a_password(server):
    idiom, module = both(server, "OPTIONS", "/auth/a.txt", A, PUT)
    assert (idiom.status, module.status) == (401, 204)


def test_every_preflight_passes(server):
    """Nobody asks which method or header is meant: the static file answers OPTIONS with 200."""
    idiom, module = both(server, "OPTIONS", "/a.txt", EVIL, PUT)
    assert (idiom.status, module.status) == (200, 403)


def test_the_rewritten_preflight_swallows_every_options(server):
    server.upstream.seen.clear()
    idiom = server.request("OPTIONS", "/idiom/options/x")
    assert (idiom.status, server.upstream.seen) == (200, [])
    assert b"<html>" in idiom.body
    module = server.request("OPTIONS", "/module/options/x")
    assert (module.get("x-answered-by"), server.upstream.seen) == ("upstream", [("OPTIONS", "/x")])


def test_two_lines_of_the_same_header(server):
    """Header set and Header always set write two tables, and both are sent; a browser refuses the
    pair.
    """
    with Connection(server.port) as connection:
        idiom = connection.request("GET", "/idiom/always/a.txt", [A])
        module = connection.request("GET", "/module/always/a.txt", [A])
    assert idiom.all("access-control-allow-origin") == [A[1], A[1]]
    assert module.all("access-control-allow-origin") == [A[1]]


def test_an_upstreams_star_leaks(server):
    idiom, module = both(server, "GET", "/up/own", EVIL)
    assert idiom.cors["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in module.cors
