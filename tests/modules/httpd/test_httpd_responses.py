"""Every response has the headers, whoever made it."""

import re
import time

import pytest
from httpd_server import Connection, Httpd, Upstream
from httpd_site import ACTUAL, DENIED, EVIL, PREFLIGHT, PUT, A, fill, small


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
    """Before a virtual host, <Directory> or <Location> is looked up there is only the first
    server's own policy.
    """
    text = (
        'CrossgatePolicy policies/api.json\n<Location "/any">\nCrossgatePolicy '
        "policies/any.json\n</Location>\n"
    )
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
    text = (
        '<Directory "{root}/htdocs">\nRequire all granted\n</Directory>\nCrossgatePolicy '
        "policies/api.json\n"
    )
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
    """Behind mod_cache's own filters: what is stored has no CORS headers, and every hit is decided
    anew.
    """
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
        assert connection.request("GET", "/up/hints-103", [A]).cors == ACTUAL
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
