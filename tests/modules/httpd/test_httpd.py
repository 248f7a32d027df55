"""mod_crossgate in a real httpd. Vectors: test_httpd_vectors.py; the usual idiom beside it: test_httpd_idioms.py."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest
from httpd_server import ROOT, Connection, Httpd, Upstream, free_port

A = ("Origin", "https://a.example")
EVIL = ("Origin", "https://evil.example")
PUT = ("Access-Control-Request-Method", "PUT")
API = {
    "allow_origins": ["https://a.example"],
    "allow_credentials": True,
    "allow_methods": ["PUT"],
    "allow_headers": ["X-Token"],
    "expose_headers": ["X-Total"],
    "max_age": 600,
}
POLICIES = {
    "api": API,
    "any": {"allow_origins": "*"},
    "strict": {"allow_origins": ["https://strict.example"]},
    "reject": {
        "allow_origins": ["https://a.example"],
        "denied_actual": "reject",
        "own_origins": ["https://server.example"],
    },
    "keep": {"allow_origins": ["https://a.example"], "upstream": "keep"},
    "host": {"allow_origins": ["https://a.example"], "host_origins": True},
    "echo": {
        "allow_origins": ["https://a.example"],
        "allow_credentials": True,
        "allow_headers": "*",
    },
    "status200": {
        "allow_origins": ["https://a.example"],
        "preflight_status": 200,
        "denied_preflight_status": 404,
    },
}
ACTUAL = {
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "X-Total",
    "vary": "Origin",
}
PREFLIGHT = {
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "PUT",
    "access-control-allow-headers": "X-Token",
    "access-control-max-age": "600",
    "vary": "Origin, Access-Control-Request-Method",
}
DENIED = {"vary": "Origin"}

CONFIGURATION = """
<Directory "{root}/htdocs">
    Require all granted
    Options +Includes +ExecCGI +FollowSymLinks
    AllowOverride None
    DirectoryIndex index.html
    AddOutputFilter INCLUDES .shtml
    AddHandler cgi-script .cgi
    AddHandler send-as-is .asis
</Directory>
<Directory "{root}/htdocs/api">
    CrossgatePolicy policies/api.json
</Directory>
<Directory "{root}/htdocs/api/inner">
    CrossgatePolicy policies/any.json
</Directory>
<If "%{QUERY_STRING} == 'strict'">
    CrossgatePolicy policies/strict.json
</If>
<Directory "{root}/htdocs/api/off">
    Crossgate Off
</Directory>
<Directory "{root}/htdocs/api/off/on">
    Crossgate On
</Directory>
<Directory "{root}/htdocs/api/auth">
    AuthType Basic
    AuthName private
    AuthUserFile "{root}/users"
    Require valid-user
</Directory>
<Directory "{root}/htdocs/api/denied">
    Require all denied
</Directory>
<Directory "{root}/htdocs/api/denied-old">
    Order allow,deny
    Deny from all
</Directory>
<Directory "{root}/htdocs/api/small">
    LimitRequestBody 10
</Directory>
<Directory "{root}/htdocs/api/limited">
    AllowMethods GET
</Directory>
<Directory "{root}/htdocs/api/front">
    RewriteEngine On
    RewriteRule "^page$" "/plain/target.txt" [L]
    RewriteRule "^away$" "https://elsewhere.example/" [R=302,L]
</Directory>
<Directory "{root}/htdocs/ht">
    AllowOverride FileInfo
</Directory>
<Directory "{root}/htdocs/unset">
    RewriteEngine On
    RewriteRule "^page$" "/api/a.txt" [L]
</Directory>
<Location "/loc">
    CrossgatePolicy policies/api.json
    ErrorDocument 404 /errors/404.html
    ErrorDocument 410 /errors/404.html
    ErrorDocument 403 "text of the site"
</Location>
<Location "/errors">
    CrossgatePolicy policies/any.json
</Location>
ErrorDocument 500 /errors/404.html
Redirect 301 "/loc/moved" "https://elsewhere.example/"
Redirect 301 "/nowhere/moved" "https://elsewhere.example/"
RewriteEngine On
RewriteRule "^/loc/rewritten$" "https://elsewhere.example/" [R=302,L,CO=seen:1:server.example]
RewriteRule "^/loc/forbidden$" "-" [F]
RewriteRule "^/loc/gone$" "-" [G]
RewriteCond "%{REQUEST_METHOD}" =OPTIONS
RewriteRule "^/loc/idiom$" "-" [R=200,L]
<Location "/loc/always">
    Header always set Strict-Transport-Security "max-age=1"
    Header always set Access-Control-Allow-Origin "*"
    Header set Access-Control-Allow-Origin "*"
</Location>
<Location "/api/inner">
    CrossgateVerdict env=UNUSED
</Location>
<Location "/loc/exposed">
    Header always set Access-Control-Expose-Headers "X-Always"
    Header set Access-Control-Expose-Headers "X-Set, x-total"
</Location>
<Location "/ht/broken">
    CrossgatePolicy policies/api.json
</Location>
<Location "/host">
    CrossgatePolicy policies/host.json
    CrossgateVerdict "expr=%{HTTP:X-Tenant} == '17'"
</Location>
<Location "/up">
    CrossgatePolicy policies/api.json
</Location>
<Location "/up/any">
    CrossgatePolicy policies/any.json
</Location>
<Location "/up/keep">
    CrossgatePolicy policies/keep.json
</Location>
<Location "/up/reject">
    CrossgatePolicy policies/reject.json
</Location>
<Location "/up/reject/page">
    ErrorDocument 403 /errors/404.html
</Location>
<Location "/up/echo">
    CrossgatePolicy policies/echo.json
</Location>
<Location "/up/200">
    CrossgatePolicy policies/status200.json
</Location>
<Location "/up/host">
    CrossgatePolicy policies/host.json
    CrossgateVerdict "expr=%{HTTP:Origin} =~ m#^https://t[0-9]+[.]example$# && %{HTTP:X-Blocked} == ''"
</Location>
<Location "/up/host-fails">
    CrossgatePolicy policies/host.json
    CrossgateVerdict "expr=file('{root}/missing') == 'yes'"
</Location>
<Location "/up/host-env">
    SetEnvIf X-Tenant "^(.+)$" TENANT=$1
    CrossgatePolicy policies/host.json
    CrossgateVerdict env=TENANT
</Location>
<Location "/up/host-silent">
    CrossgatePolicy policies/host.json
</Location>
<Location "/up/shadow">
    CrossgateShadow policies/strict.json
</Location>
<Location "/up/shadow/inner">
    CrossgatePolicy policies/any.json
</Location>
ProxyPass "/up/broken" "http://127.0.0.1:{closed}/" retry=0
ProxyPass "/up/upgrade" "http://127.0.0.1:{upstream}/upgrade" upgrade=echo
ProxyPass "/up/" "http://127.0.0.1:{upstream}/"
CacheQuickHandler Off
CacheRoot "{root}/cache"
<Location "/up/cached">
    CacheEnable disk
</Location>
<VirtualHost *:{port}>
    ServerName server.example
    RewriteEngine On
    RewriteOptions Inherit
</VirtualHost>
<VirtualHost *:{port}>
    ServerName other.example
    CrossgatePolicy policies/any.json
    Redirect 301 "/moved" "https://elsewhere.example/"
</VirtualHost>
"""


def fill(httpd):
    for name, policy in POLICIES.items():
        httpd.file(f"policies/{name}.json", json.dumps(policy))
    for name in (
        "plain/target.txt",
        "api/a.txt",
        "api/inner/a.txt",
        "api/off/a.txt",
        "api/off/on/a.txt",
        "api/auth/a.txt",
        "api/denied/a.txt",
        "api/denied-old/a.txt",
        "api/limited/a.txt",
        "api/sub/index.html",
        "errors/404.html",
        "loc/a.txt",
        "loc/always/a.txt",
        "loc/exposed/a.txt",
        "host/a.txt",
        "ht/a.txt",
    ):
        httpd.file(f"htdocs/{name}", f"this is {name}\n" * 10)
    httpd.file("htdocs/api/front/x", "")
    httpd.file("htdocs/unset/x", "")
    httpd.file("htdocs/ht/broken/.htaccess", "Nonsense\n")
    httpd.file("htdocs/api/fails.cgi", "#!/bin/sh\nexit 1\n", 0o755)
    httpd.file(
        "htdocs/api/small/x.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\ncat\n", 0o755
    )
    httpd.file(
        "htdocs/api/status.cgi",
        "#!/bin/sh\nprintf 'Status: 500 Oops\\nContent-Type: text/plain\\n\\noops'\n",
        0o755,
    )
    httpd.file(
        "htdocs/page.shtml",
        '[<!--#include virtual="/api/a.txt" -->][<!--#include virtual="/loc/a.txt" -->]\n',
    )
    httpd.file("htdocs/shadow.shtml", '[<!--#include virtual="/up/shadow/x" -->]\n')
    httpd.file("htdocs/api/switch.asis", "Status: 101 Switching Protocols\nUpgrade: x\n\n")
    httpd.file(
        "htdocs/api/page.shtml",
        '[<!--#include virtual="/api/inner/a.txt" -->][<!--#include virtual="/up/reject/x" -->]\n',
    )
    httpd.file("users", "user:{SHA}" + "W6ph5Mm5Pz8GgiULbPgzG37mj9g=" + "\n")


def small(module, text, mpm="event"):
    httpd = Httpd(module, text, mpm)
    fill(httpd)
    return httpd


@contextlib.contextmanager
def whole(module, mpm):
    """A server with all of the configuration."""
    upstream = Upstream()
    httpd = Httpd(module, CONFIGURATION, mpm, upstream=upstream.port, closed=free_port())
    fill(httpd)
    with httpd:
        httpd.upstream = upstream
        yield httpd
    upstream.stop()


@pytest.fixture(scope="module")
def server(module):
    with whole(module, "event") as httpd:
        yield httpd


# ---- preflights ----


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


# ---- every response ----


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/a.txt", [], 200),
        ("HEAD", "/api/a.txt", [], 200),
        ("GET", "/api/a.txt", [("Range", "bytes=0-3")], 206),
        ("GET", "/api/a.txt", [("Range", "bytes=900000-")], 416),
        ("GET", "/api/a.txt", [("If-None-Match", "*")], 304),
        ("GET", "/api/a.txt", [("If-Match", '"other"')], 412),
        ("PUT", "/api/a.txt", [], 405),
        ("GET", "/api/missing", [], 404),
        ("GET", "/api/sub", [], 301),
        ("GET", "/api/sub/", [], 200),
        ("GET", "/api/front/page", [], 200),
        ("GET", "/api/front/away", [], 302),
        ("GET", "/api/auth/a.txt", [], 401),
        ("GET", "/api/auth/a.txt", [("Authorization", "Basic dXNlcjp0ZXN0")], 401),
        ("GET", "/api/denied/a.txt", [], 403),
        ("GET", "/api/denied-old/a.txt", [], 403),
        ("GET", "/api/limited/a.txt", [], 200),
        ("POST", "/api/limited/a.txt", [], 405),
        ("GET", "/api/fails.cgi", [], 500),
        ("GET", "/api/status.cgi", [], 500),
        ("GET", "/loc/a.txt", [], 200),
        ("GET", "/loc/moved", [], 301),
        ("GET", "/loc/rewritten", [], 302),
        ("GET", "/loc/forbidden", [], 403),
        ("GET", "/loc/gone", [], 410),
        ("GET", "/loc/missing", [], 404),
        ("GET", "/loc/always/a.txt", [], 200),
        ("GET", "/loc/always/missing", [], 404),
        ("GET", "/loc/" + "x" * 300, [], 403),
        ("GET", "/up/x", [], 200),
        ("GET", "/up/status/302", [], 302),
        ("GET", "/up/status/304", [], 304),
        ("GET", "/up/status/500", [], 500),
        ("GET", "/up/broken/x", [], 503),
    ],
)
def test_every_response_has_the_headers(server, method, path, headers, status):
    for origin, expected in ((A, ACTUAL), (EVIL, DENIED)):
        answer = server.request(method, path, origin, *headers)
        assert answer.status == status
        assert answer.cors == expected
    without = server.request(method, path, *headers)
    assert (without.status, without.cors) == (status, DENIED)


def test_too_large(server):
    with Connection(server.port) as connection:
        answer = connection.request("POST", "/api/small/x.cgi", [A], body=b"x" * 50)
    assert answer.status == 413
    assert answer.cors == ACTUAL


def test_what_httpd_refuses_by_itself(module):
    """Before a virtual host, <Directory> or <Location> is looked up there is only the first server's own policy."""
    text = 'CrossgatePolicy policies/api.json\n<Location "/any">\nCrossgatePolicy policies/any.json\n</Location>\n'
    with small(module, text) as httpd:
        for path, headers, status in (
            ("/any/x", [("Bad Name", "1")], 400),
            ("/any/" + "x" * 9000, [], 414),
            ("/../any", [], 400),
        ):
            answer = httpd.request("GET", path, A, *headers)
            assert (answer.status, answer.cors) == (status, ACTUAL if status != 414 else DENIED), (
                path
            )
            assert answer.get("connection") == "close"


def test_an_error_document_keeps_the_policy_of_the_url(server):
    answer = server.request("GET", "/loc/missing", A)
    assert answer.body.startswith(b"this is errors/404.html")
    assert answer.cors == ACTUAL
    # OPTIONS becomes GET on the way to the document; Vary is that of OPTIONS.
    answer = server.request("OPTIONS", "/loc/gone", A)
    assert answer.status == 410
    assert answer.cors == ACTUAL | {"vary": "Origin, Access-Control-Request-Method"}
    answer = server.request("OPTIONS", "/ht/broken/x", A)
    assert answer.body.startswith(b"this is errors/404.html")
    assert answer.cors == ACTUAL | {"vary": "Origin, Access-Control-Request-Method"}
    answer = server.request("GET", "/loc/forbidden", A)
    assert (answer.body, answer.cors) == (b"text of the site", ACTUAL)
    # Asked for directly the document has its own.
    assert server.request("GET", "/errors/404.html", A).cors == {"access-control-allow-origin": "*"}


def test_mod_headers_is_overruled_on_the_way_out(server):
    answer = server.request("GET", "/loc/always/a.txt", EVIL)
    assert answer.cors == DENIED
    assert answer.get("strict-transport-security") == "max-age=1"
    exposed = server.request("GET", "/loc/exposed/a.txt", A).cors["access-control-expose-headers"]
    assert re.split(", ?", exposed) == ["X-Always", "X-Set", "x-total"]
    answer = server.request("OPTIONS", "/loc/always/a.txt", A, PUT)
    assert answer.cors == PREFLIGHT
    assert answer.get("strict-transport-security") == "max-age=1"


def test_vary_of_deflate_is_merged(module):
    text = """
<Directory "{root}/htdocs">
    Require all granted
</Directory>
CrossgatePolicy policies/api.json
SetOutputFilter DEFLATE
Header append Vary "origin, Cookie"
"""
    with small(module, text) as httpd:
        answer = httpd.request("GET", "/api/a.txt", A, ("Accept-Encoding", "gzip"))
        assert answer.get("content-encoding") == "gzip"
        names = [name.strip().lower() for name in answer.get("vary").split(",")]
        assert sorted(names) == ["accept-encoding", "cookie", "origin"]
        preflight = httpd.request("OPTIONS", "/api/a.txt", A, PUT)
        assert preflight.cors == PREFLIGHT
        assert preflight.get("content-encoding") is None


# ---- which policy ----


def test_sections(server):
    assert server.request("GET", "/plain/target.txt", A).cors == {}
    assert server.request("GET", "/api/inner/a.txt", EVIL).cors == {
        "access-control-allow-origin": "*"
    }
    assert server.request("GET", "/api/off/a.txt", A).cors == {}
    assert server.request("GET", "/api/off/on/a.txt", A).cors == ACTUAL
    assert server.request("OPTIONS", "/api/off/a.txt", A, PUT).cors == {}
    assert server.request("OPTIONS", "/nowhere/moved", A, PUT).status == 301
    assert server.request("GET", "/api/a.txt?strict", A).cors == DENIED
    assert server.request("OPTIONS", "/loc/a.txt?strict", A, PUT).status == 403


def test_an_internal_redirect_to_a_policy_gets_that_policy(server):
    """Where the URL that was asked for has none."""
    assert server.request("GET", "/unset/page", A).cors == ACTUAL
    assert server.request("OPTIONS", "/unset/page", A, PUT).cors == PREFLIGHT


def test_virtual_hosts(server):
    other = ("Host", "other.example")
    assert server.request("GET", "/plain/target.txt", EVIL, other).cors == {
        "access-control-allow-origin": "*"
    }
    assert server.request("GET", "/moved", EVIL, other).cors == {"access-control-allow-origin": "*"}
    assert (
        server.request(
            "OPTIONS", "/moved", EVIL, other, ("Access-Control-Request-Method", "GET")
        ).status
        == 204
    )
    # The main server's <Directory> sections hold in every virtual host, and inside the host's own
    # policy.
    assert server.request("GET", "/api/a.txt", EVIL, other).cors == DENIED
    assert server.request("OPTIONS", "/api/a.txt", EVIL, other, PUT).status == 403


def test_htaccess(server):
    path = server.file("htdocs/ht/.htaccess", "CrossgatePolicy policies/api.json\n")
    assert server.request("GET", "/ht/a.txt", A).cors == ACTUAL
    assert server.request("OPTIONS", "/ht/a.txt", A, PUT).cors == PREFLIGHT
    path.write_text("Crossgate Off\n")
    assert server.request("GET", "/ht/a.txt", A).cors == {}
    server.file("policies/bad.json", '{"allow_origins": ["https://a.example/"]}')
    path.write_text("CrossgatePolicy policies/bad.json\n")
    assert server.request("GET", "/ht/a.txt", A).status == 500
    server.wait_log("allow_origins[0]")
    path.write_text(
        "CrossgateVerdict \"expr=file('/etc/passwd') == ''\"\nCrossgatePolicy policies/host.json\n"
    )
    assert server.request("GET", "/ht/a.txt", EVIL).status == 500
    path.unlink()
    assert server.request("GET", "/ht/a.txt", A).cors == {}


def test_htaccess_needs_allowoverride(server):
    path = server.file("htdocs/api/inner/.htaccess", "Crossgate Off\n")
    assert server.request("GET", "/api/inner/a.txt", A).cors == {"access-control-allow-origin": "*"}
    path.unlink()


# ---- upstreams ----


def test_an_upstreams_own_headers_do_not_leak(server):
    assert server.request("GET", "/up/own", EVIL).cors == {
        "vary": "Accept-Encoding, origin, X-Other"
    }
    assert server.request("GET", "/up/own").cors == {"vary": "Accept-Encoding, origin, X-Other"}
    answer = server.request("GET", "/up/own", A)
    assert answer.cors == ACTUAL | {
        "access-control-expose-headers": "X-Upstream, X-Total",
        "vary": "Accept-Encoding, origin, X-Other",
    }
    answer = server.request("GET", "/up/status/502/own", EVIL)
    assert (answer.status, answer.cors) == (502, {"vary": "Accept-Encoding, origin, X-Other"})
    server.wait_log("502 GET /up/status/502/own origin_not_listed *\n", "access.log")


def test_a_vary_without_spaces_is_merged_too(module):
    text = '<Directory "{root}/htdocs">\nRequire all granted\n</Directory>\nCrossgatePolicy policies/api.json\n'
    with small(module, text + 'Header set Vary "a,b,c,d,e,f,g,h"\n') as httpd:
        names = re.split(", ?", httpd.request("GET", "/api/a.txt", A).get("vary"))
        assert names == ["a", "b", "c", "d", "e", "f", "g", "h", "Origin"]


def test_keep(server):
    answer = server.request("GET", "/up/keep/own", EVIL)
    assert answer.cors["access-control-allow-origin"] == "*"
    assert answer.cors["access-control-allow-methods"] == "UPSTREAM"
    assert answer.cors["vary"] == "Accept-Encoding, origin, X-Other"
    assert server.request("GET", "/up/keep/own", A).cors == answer.cors
    assert server.request("GET", "/up/keep/x", EVIL).cors == DENIED
    assert (
        server.request("GET", "/up/keep/x", A).cors["access-control-allow-origin"]
        == "https://a.example"
    )


def test_reject(server):
    server.upstream.seen.clear()
    answer = server.request("GET", "/up/reject/x", EVIL)
    assert (answer.status, answer.cors) == (403, DENIED)
    with Connection(server.port) as connection:
        assert connection.request("POST", "/up/reject/x", [EVIL], body=b"x" * 100).status == 403
        assert server.upstream.seen == []
        assert connection.request("POST", "/up/reject/x", [A], body=b"x" * 100).status == 200
    answer = server.request("GET", "/up/reject/page", EVIL)
    assert (answer.status, answer.cors) == (403, DENIED)
    assert answer.body.startswith(b"this is errors/404.html")
    assert server.request("GET", "/up/reject/x").status == 200
    assert server.request("GET", "/up/reject/x", ("Origin", "https://server.example")).status == 200
    assert (
        server.request("GET", "/up/reject/x", EVIL, ("Sec-Fetch-Site", "same-origin")).status == 200
    )


def test_a_cache_stores_no_decision(server):
    """Behind mod_cache's own filters: what is stored has no CORS headers, and every hit is decided anew."""
    path = f"/up/cached/{time.monotonic_ns()}"
    assert server.request("GET", path, A).cors == ACTUAL
    server.upstream.seen.clear()
    assert server.request("GET", path, EVIL).cors == DENIED
    assert server.request("GET", path).cors == DENIED
    assert server.request("GET", path, A).cors == ACTUAL
    assert server.upstream.seen == [], "the cache was not used"
    assert server.request("OPTIONS", path, A, PUT).cors == PREFLIGHT


def test_a_cache_as_quick_handler_knows_the_servers_policy_alone(module):
    """Why the page says CacheQuickHandler Off: a hit is served before any section is looked up."""
    text = """
ProxyPass "/" "http://127.0.0.1:{upstream}/"
CacheRoot "{root}/cache"
CacheEnable disk "/"
CrossgatePolicy policies/strict.json
<Location "/cached">
    CrossgatePolicy policies/api.json
</Location>
"""
    upstream = Upstream()
    httpd = Httpd(module, text, upstream=upstream.port)
    fill(httpd)
    with httpd:
        strict = ("Origin", "https://strict.example")
        assert httpd.request("GET", "/cached", A).cors == ACTUAL
        assert httpd.request("GET", "/cached", A).cors == DENIED
        assert (
            httpd.request("GET", "/cached", strict).cors["access-control-allow-origin"] == strict[1]
        )
        assert len(upstream.seen) == 1
    upstream.stop()


def test_force_no_vary_takes_vary_away(module):
    """Why the page warns of it: httpd does so behind every filter."""
    text = "SetEnvIf Origin . force-no-vary\nCrossgatePolicy policies/api.json\n"
    with small(module, text) as httpd:
        assert "vary" not in httpd.request("GET", "/x", A).cors
        assert httpd.request("GET", "/x").cors == DENIED


def test_interim_responses_have_no_headers(server):
    with Connection(server.port) as connection:
        connection.send("POST", "/up/x", [A, ("Expect", "100-continue"), ("Content-Length", "3")])
        assert connection.head() == (100, [], b"")
        connection.socket.sendall(b"abc")
        assert connection.receive("POST").cors == ACTUAL
        assert connection.request("GET", "/up/hints", [A]).cors == ACTUAL
        assert [found.status for found in connection.interim] == [103]
        assert connection.interim[0].cors == {}


def test_switching_protocols_has_no_headers(server):
    with Connection(server.port) as connection:
        connection.send("GET", "/up/upgrade", [A, ("Connection", "Upgrade"), ("Upgrade", "echo")])
        answer = connection.head()
        assert (answer.status, answer.cors) == (101, {})
        assert connection.file.read() == b"hello"
    with Connection(server.port) as connection:
        connection.send("GET", "/api/switch.asis", [A])
        answer = connection.head()
        assert (answer.status, answer.cors) == (101, {})


# ---- requests ----


def test_two_origin_lines(server):
    answer = server.request("GET", "/up/x?twice", A, A)
    assert answer.cors == DENIED
    server.wait_log("200 GET /up/x origin_multiple -\n", "access.log")
    assert server.request("OPTIONS", "/up/x", A, A, PUT).status == 403


def test_the_reason_is_in_the_log(server):
    server.request("GET", "/api/a.txt", A)
    server.wait_log("200 GET /api/a.txt allowed -\n", "access.log")
    server.request("OPTIONS", "/api/auth/a.txt", A, ("Access-Control-Request-Method", "PATCH"))
    server.wait_log("204 OPTIONS /api/auth/a.txt method_not_allowed", "access.log")
    server.request("GET", "/loc/missing", EVIL)
    server.wait_log("404 GET /loc/missing origin_not_listed", "access.log")
    server.request("GET", "/plain/target.txt", A)
    server.wait_log("200 GET /plain/target.txt -", "access.log")


def test_the_verdict_of_an_expression(server):
    tenant, stranger = (
        ("Origin", "https://t17.example"),
        ("Origin", "https://t17.example.evil.example"),
    )
    allowed = {"access-control-allow-origin": "https://t17.example", "vary": "Origin"}
    assert server.request("GET", "/up/host/x", tenant).cors == allowed
    assert server.request("GET", "/up/host/x", tenant, ("X-Blocked", "1")).cors == DENIED
    assert (
        server.request(
            "OPTIONS", "/up/host/x", tenant, ("Access-Control-Request-Method", "GET")
        ).status
        == 204
    )
    assert server.request("GET", "/up/host/x", stranger).cors == DENIED
    # httpd would add X-Tenant to the Vary of this response, and not to that of a 404.
    answer = server.request("GET", "/host/a.txt", EVIL, ("X-Tenant", "17"))
    assert answer.cors == {"access-control-allow-origin": EVIL[1], "vary": "Origin"}
    assert server.request("GET", "/up/host-silent/x", tenant).cors == DENIED


def test_the_verdict_of_a_variable(server):
    for value, allowed in (("allow", 1), ("1", 1), ("on", 1), ("deny", 0), ("maybe", 0), ("0", 0)):
        cors = server.request("GET", "/up/host-env/x", EVIL, ("X-Tenant", value)).cors
        assert ("access-control-allow-origin" in cors) == bool(allowed), value
    assert server.request("GET", "/up/host-env/x", EVIL).cors == DENIED
    preflight = [EVIL, ("Access-Control-Request-Method", "GET"), ("X-Tenant", "allow")]
    assert server.request("OPTIONS", "/up/host-env/x", *preflight).status == 204


def test_the_host_is_asked_only_where_it_has_a_say(server):
    """The expression reads a file that does not exist, which httpd logs: that shows who was asked about."""
    before = server.log().count("/missing")
    for origin in (A, ("Origin", "null"), ("Origin", "not an origin")):
        server.request("GET", "/up/host-fails/x", origin)
    server.request("GET", "/up/host-fails/x")
    assert server.log().count("/missing") == before
    answer = server.request("GET", "/up/host-fails/x", EVIL)
    assert (answer.status, answer.cors) == (200, DENIED)
    server.wait_log("/missing")


def test_sub_requests_are_left_alone(server):
    answer = server.request("GET", "/page.shtml", A)
    assert answer.cors == {}
    assert answer.body.count(b"this is api/a.txt") == 10
    assert answer.body.count(b"this is loc/a.txt") == 10
    answer = server.request("GET", "/api/page.shtml", A)
    assert answer.cors == ACTUAL
    assert answer.body.count(b"this is api/inner/a.txt") == 10
    # Nor are they compared or asked about.
    before = server.log().count("shadow differs")
    answer_with_shadow = server.request("GET", "/shadow.shtml", A)
    assert answer_with_shadow.body.startswith(b"[upstream]")
    assert server.log().count("shadow differs") == before
    # What would be rejected for this Origin is not when it is a part.
    denied = server.request("GET", "/api/page.shtml", EVIL)
    assert (denied.cors, denied.body) == (DENIED, answer.body)
    assert b"upstream" in denied.body


def test_shadow_changes_nothing_and_is_logged(server):
    assert server.request("GET", "/up/shadow/x", A).cors == ACTUAL
    server.wait_log(
        "crossgate shadow differs: actual with Origin https://a.example: allowed (forward), "
        "shadow: origin_not_listed (forward)"
    )
    lines = re.findall(r".*shadow differs.*", server.log())
    assert all("[crossgate:info]" in line for line in lines)
    # The same answer is no difference; nor is the shadow inherited by a section with a policy of
    # its own.
    server.request("GET", "/up/shadow/x", EVIL)
    server.request("GET", "/up/shadow/inner/x", A)
    assert server.request("OPTIONS", "/up/shadow/x", A, PUT).cors == PREFLIGHT
    server.wait_log("crossgate shadow differs: preflight")
    assert len(re.findall("shadow differs", server.log())) == len(lines) + 1


# ---- HTTP/2 ----

CURL = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


@CURL
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/a.txt", 200),
        ("/api/missing", 404),
        ("/api/auth/a.txt", 401),
        ("/loc/moved", 301),
        ("/loc/missing", 404),
        ("/loc/always/a.txt", 200),
        ("/up/x", 200),
        ("/up/broken/x", 503),
    ],
)
def test_http2(server, path, status):
    url = f"http://127.0.0.1:{server.port}{path}"
    for origin, expected in ((A[1], ACTUAL), (EVIL[1], DENIED)):
        version, answer = server.curl("--http2-prior-knowledge", "-H", f"Origin: {origin}", url)
        assert version == "HTTP/2"
        assert (answer.status, answer.cors) == (status, expected)
    preflight = [
        "-X",
        "OPTIONS",
        "-H",
        f"Origin: {A[1]}",
        "-H",
        "Access-Control-Request-Method: PUT",
    ]
    version, answer = server.curl("--http2-prior-knowledge", *preflight, url)
    assert (version, answer.status, answer.cors) == ("HTTP/2", 204, PREFLIGHT)


@CURL
def test_http2_not_modified(server):
    url = f"http://127.0.0.1:{server.port}/api/a.txt"
    _, answer = server.curl(
        "--http2-prior-knowledge", "-H", "If-None-Match: *", "-H", f"Origin: {A[1]}", url
    )
    assert (answer.status, answer.cors) == (304, ACTUAL)


# ---- operation ----


def test_configtest_names_every_problem(module):
    httpd = small(module, "CrossgatePolicy policies/bad.json\n")
    httpd.file(
        "policies/bad.json",
        '{"allow_origins": ["https://a.example/", "https://b.example:443x"], "max_age": -1, "surprise": 1}',
    )
    found = httpd.configtest()
    output = found.stdout + found.stderr
    assert found.returncode != 0
    for text in (
        "policies/bad.json",
        "allow_origins[0]",
        "origin_has_path",
        "https://a.example",
        "allow_origins[1]",
        "max_age",
        "surprise",
    ):
        assert text in output, output
    assert "httpd.conf" in output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CrossgatePolicy policies/missing.json", "missing.json"),
        ("CrossgatePolicy policies/api.yaml", "api.yaml"),
        ("CrossgateShadow policies/missing.json", "CrossgateShadow"),
        ("CrossgateVerdict allow", "expr=EXPRESSION or env=VARIABLE"),
        ('CrossgateVerdict "expr=%{HTTP:Origin} =="', "syntax error"),
        ("Crossgate Maybe", "On or Off"),
    ],
)
def test_configtest_refuses(module, text, expected):
    found = small(module, text + "\n").configtest()
    assert found.returncode != 0
    assert expected in found.stdout + found.stderr


def test_configtest_prints_warnings_and_passes(module):
    httpd = small(
        module, "CrossgatePolicy policies/warns.json\nCrossgateShadow policies/warns.json\n"
    )
    httpd.file("policies/warns.json", '{"allow_origins": ["HTTPS://A.example"]}')
    found = httpd.configtest()
    assert found.returncode == 0, found.stderr
    assert "warning" in found.stderr
    # A file that is named twice is built once.
    assert found.stderr.count("allow_origins[0]") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CrossgatePolicy policies/host.json\nCrossgateVerdict env=X", None),
        (
            "CrossgateVerdict env=X\nCrossgatePolicy policies/api.json\nCrossgateShadow policies/host.json",
            None,
        ),
        (
            "CrossgateVerdict env=X\n<Location />\nCrossgatePolicy policies/host.json\n</Location>",
            None,
        ),
        ("CrossgateVerdict env=X", "no policy has host_origins"),
        (
            "CrossgatePolicy policies/api.json\n<Location />\nCrossgateVerdict env=X\n</Location>",
            "no policy has",
        ),
        (
            "<Location /a>\nCrossgateVerdict env=X\nCrossgatePolicy policies/api.json\n</Location>\n"
            "<Location /b>\nCrossgatePolicy policies/host.json\n</Location>",
            "the policy of its section has no host_origins",
        ),
    ],
)
def test_configtest_warns_of_a_verdict_that_nobody_asks_for(module, text, expected):
    httpd = small(module, text + "\n")
    found = httpd.configtest()
    assert found.returncode == 0, found.stderr
    warned = re.findall(r"CrossgateVerdict at (\S+?):(\d+) is never asked: (.*)", found.stderr)
    if expected is None:
        assert warned == []
        return
    [(file, line, why)] = warned
    assert expected in why
    assert "CrossgateVerdict env=X" in (httpd.root / file).read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_graceful_restarts_under_load_lose_nothing(module, mpm):
    text = '<Directory "{root}/htdocs">\nRequire all granted\n</Directory>\nCrossgatePolicy policies/live.json\n'
    httpd = small(module, text, mpm)
    live = httpd.file("policies/live.json", json.dumps(API))
    stop, wrong, counts = threading.Event(), [], []

    def load():
        count = 0
        while not stop.is_set() or count == 0:
            try:
                with Connection(httpd.port) as connection:
                    preflight = connection.request(
                        "OPTIONS", "/api/a.txt", [A, PUT, ("Connection", "close")]
                    )
                with Connection(httpd.port) as connection:
                    actual = connection.request("GET", "/api/a.txt", [A, ("Connection", "close")])
                assert preflight.status == 204
                assert actual.cors["access-control-allow-origin"] == "https://a.example"
                count += 2
            except (AssertionError, OSError, KeyError) as error:
                wrong.append(repr(error))
        counts.append(count)

    with httpd:
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for max_age in (1, 2, 3):
            live.write_text(json.dumps(API | {"max_age": max_age}))
            httpd.process.send_signal(signal.SIGUSR1)
            deadline = time.monotonic() + 120
            # Old children finish what they have: until none of them answers.
            seen, until = 0, time.monotonic() + 0.5
            while seen < 10 or time.monotonic() < until:
                answer = httpd.request("OPTIONS", "/api/a.txt", A, PUT)
                seen = seen + 1 if answer.cors["access-control-max-age"] == str(max_age) else 0
                assert time.monotonic() < deadline, "the new policy is not served"
        stop.set()
        for thread in threads:
            thread.join()
        assert httpd.process.poll() is None
    assert wrong == []
    assert len(counts) == 4
    assert all(counts)


def fenced(language):
    page = (ROOT / "docs/httpd.md").read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found, language
    return found


@pytest.mark.parametrize("number", range(3))
def test_the_configurations_of_the_page(module, number):
    """Every apache block passes configtest, with a file for every policy it names and the module where it says."""
    blocks = fenced("apache")
    assert len(blocks) == 3, "one test for each block"
    block = blocks[number].replace(" modules/mod_crossgate.so", f" {module}/mod_crossgate.so")
    assert "Crossgate" in block
    httpd = small(module, block)
    for name in re.findall(r"conf/(\w+)[.]json", block):
        httpd.file(f"conf/{name}.json", json.dumps(POLICIES.get(name, API)))
    found = httpd.configtest()
    assert found.returncode == 0, block + found.stderr
    # None of it is passed over: without the module httpd knows none of these lines.
    assert "Crossgate" in httpd.configtest_without_module()


def test_the_build_of_the_page(tmp_path):
    [block] = fenced("bash")
    assert "build/httpd" in block
    script = block.replace("build/httpd", str(tmp_path / "out"))
    found = subprocess.run(
        ["bash", "-euc", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "out/mod_crossgate.so").exists()


def test_the_page_names_tests_that_exist():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/httpd.md").read_text()))
    files = (ROOT / "tests/modules/httpd").glob("test_*.py")
    defined = {
        name
        for file in files
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= defined, named - defined


def test_the_page_lists_every_directive():
    source = (ROOT / "ffi/servers/httpd/mod_crossgate.c").read_text()
    page = (ROOT / "docs/httpd.md").read_text()
    directives = re.findall(r'AP_INIT_\w+\("(\w+)"', source)
    assert len(directives) == 4
    for directive in directives:
        assert f"| `{directive} " in page
