"""The nginx module in a real nginx: real requests, each trap of nginx's a test."""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
from nginx_harness import BUILD, ROOT, Connection, Nginx, Upstream, free_ports, wait_until

A = ("Origin", "https://a.example")
EVIL = ("Origin", "https://evil.example")
PUT = ("Access-Control-Request-Method", "PUT")
MAIN = {
    "allow_origins": ["https://a.example", "https://*.wild.example"],
    "allow_methods": ["PUT", "DELETE"],
    "allow_headers": ["X-Token", "Authorization"],
    "expose_headers": ["X-Total"],
    "allow_credentials": True,
    "max_age": 600,
}
GRANTED = {
    "access-control-allow-credentials": "true",
    "access-control-allow-origin": "https://a.example",
    "access-control-expose-headers": "X-Total",
    "vary": "Origin",
}
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method"
ANSWERED = {
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": "X-Token, Authorization",
    "access-control-allow-methods": "PUT, DELETE",
    "access-control-allow-origin": "https://a.example",
    "access-control-max-age": "600",
    "vary": PREFLIGHT_VARY,
}
ECHO = {"allow_origins": ["https://a.example"], "allow_headers": "*", "allow_credentials": True}
POLICIES = {
    "main": MAIN,
    "other": {"allow_origins": ["https://other.example"]},
    "any": {"allow_origins": "*"},
    "echo": ECHO,
    "keep": MAIN | {"upstream": "keep"},
    "reject": MAIN | {"denied_actual": "reject", "own_origins": ["https://own.example"]},
    "host": {"host_origins": True},
    "status": MAIN | {"preflight_status": 200, "denied_preflight_status": 400},
}

HTTP = """
    log_format cors '$request_uri $status $crossgate_kind $crossgate_reason $crossgate_allowed $crossgate_overwrote';
    proxy_cache_path temp/cache keys_zone=cache:1m;
    limit_req_zone $server_name zone=tight:1m rate=1r/m;
    map $http_origin $verdict { default deny; https://tenant.example allow; https://odd.example Allow; }

    server {
        listen 127.0.0.1:%(port)d;
        listen 127.0.0.1:%(h2)d http2;
        root html;
        access_log logs/access.log cors;
        crossgate_policy main.json;
        client_max_body_size 1k;
        rewrite ^/server-redirect$ /a.txt permanent;
        if ($request_uri = /server-return) { return 403; }

        location /return/200 { return 200 "ok"; }
        location /return/204 { return 204; }
        location /return/301 { return 301 /a.txt; }
        location /return/302 { rewrite ^ /a.txt redirect; }
        location /return/403 { return 403; }
        location /return/404 { return 404; }
        location /return/429 { return 429; }
        location /return/500 { return 500; }
        location /return/503 { return 503; }
        location /auth { auth_basic "x"; auth_basic_user_file users; }
        location /deny { deny all; }
        location /limited { limit_except GET { deny all; } }
        location /tight { limit_req zone=tight; }
        location /error-page { error_page 404 /error.html; }
        location /error-named { error_page 404 @named; }
        location @named { return 410 "named"; }
        location = /error.html { internal; crossgate off; }
        location /proxy/ { proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /keep/ { crossgate_policy keep.json; proxy_pass http://127.0.0.1:%(upstream)d/; }
        location /dead/ { proxy_pass http://127.0.0.1:%(dead)d/; }
        location /cached/ {
            proxy_cache cache; proxy_cache_valid 200 1m; add_header X-Cache $upstream_cache_status;
            proxy_pass http://127.0.0.1:%(upstream)d/;
        }
        location /switch/ {
            proxy_http_version 1.1; proxy_set_header Upgrade x; proxy_set_header Connection upgrade;
            proxy_pass http://127.0.0.1:%(upstream)d/;
        }
        location /own-header {
            add_header Access-Control-Allow-Origin * always; add_header Vary "Accept, origin" always;
        }
        location /accel { proxy_pass http://127.0.0.1:%(upstream)d/accel; }
        location /behind-accel { internal; crossgate off; alias html/a.txt; }
        location /tried { try_files /none /a.txt; }
        location /auth-request { auth_request /check; return 403; }
        location /auth-request-file { auth_request /check; alias html/a.txt; }
        location /auth-refused { auth_request /refuse; alias html/a.txt; }
        location = /check { internal; crossgate_policy reject.json; proxy_pass http://127.0.0.1:%(upstream)d/stars; }
        location = /refuse { internal; return 401; }
        location /ssi { ssi on; ssi_types text/plain; alias html/ssi.txt; }
        location /included { crossgate_policy reject.json; alias html/a.txt; }
        location /gzip { gzip on; gzip_min_length 1; gzip_types text/plain; gzip_vary on; alias html/a.txt; }

        location /off { crossgate off; location /off/on { crossgate_policy any.json; return 200; } return 200; }
        location /any { crossgate_policy any.json; return 200; }
        location /outer { crossgate_policy any.json; location /outer/inner { return 200; } return 200; }
        location /if { if ($arg_x) { return 418; } return 200; }
        location /rewritten { rewrite ^ /any last; }
        location /reject { crossgate_policy reject.json; return 200 "secret"; }
        location /reject-file { crossgate_policy reject.json; alias html/a.txt; }
        location /status { crossgate_policy status.json; }
        location /echo { crossgate_policy echo.json; return 200; }
        location /host { crossgate_policy host.json; crossgate_verdict $verdict; return 200; }
        location /host-mute { crossgate_policy host.json; return 200; }
        location /host-unasked { crossgate_verdict $verdict; return 200; }
    }
    server {
        listen 127.0.0.1:%(moved)d;
        crossgate_policy main.json;
        return 301 https://localhost$request_uri;
    }
    server {
        listen 127.0.0.1:%(bare)d;
        root html;
        location /plain { return 200; }
        location /php { try_files /none /php.index; }
        location = /php.index { crossgate_policy main.json; return 200 "php"; }
        location /off { crossgate off; try_files /none /php.index; }
        location /page { error_page 405 404 /page.html; }
        location = /page.html { crossgate_policy main.json; }
        location /sticky { crossgate_policy main.json; error_page 404 /bare.html; }
        location /return-page { crossgate_policy main.json; error_page 404 /bare.html; return 404; }
        location /return-named { crossgate_policy main.json; error_page 404 @named; return 404; }
        location @named { crossgate_policy any.json; return 200 "named"; }
        location /page-return { error_page 404 @named; return 404; }
        location /ssi { ssi on; ssi_types text/plain; alias html/ssi.txt; }
        location /included { crossgate_policy reject.json; alias html/a.txt; }
        location /auth-request { auth_request /check; alias html/a.txt; }
        location = /check { crossgate_policy reject.json; proxy_pass http://127.0.0.1:%(upstream)d/stars; }
        location /app { error_page 405 = @named; }
        location /rewritten { crossgate_policy any.json; rewrite ^ /plain last; }
    }
"""

STARS = (
    b"HTTP/1.0 200 OK\r\nAccess-Control-Allow-Origin: *\r\naccess-control-allow-origin: https://x.example\r\n"
    b"Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: *\r\nAccess-Control-Max-Age: 1\r\n"
    b"Access-Control-Expose-Headers: X-Up, x-total\r\nAccess-Control-Expose-Headers: X-Down\r\n"
    b"Vary: Accept-Encoding\r\nVary: accept, Origin\r\nX-Own: yes\r\nContent-Length: 5\r\n\r\nstars"
)
PAGES = {
    "/stars": STARS,
    "/500": STARS.replace(b"200 OK", b"500 Oops"),
    "/star-vary": b"HTTP/1.0 200 OK\r\nVary: *\r\nContent-Length: 0\r\n\r\n",
    "/tight-vary": b"HTTP/1.0 200 OK\r\nVary: a,b,c,d,e,f,g,h\r\nContent-Length: 0\r\n\r\n",
    "/plain": b"HTTP/1.0 200 OK\r\nVary: Accept\r\nContent-Length: 5\r\n\r\nplain",
    "/upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "/cacheable": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nAccess-Control-Allow-Origin: *\r\n\r\ncache",
    "/accel": b"HTTP/1.0 200 OK\r\nX-Accel-Redirect: /behind-accel\r\n\r\n",
}


class Site:
    def __init__(self, nginx, upstream, ports):
        self.nginx, self.upstream = nginx, upstream
        self.__dict__.update(ports)

    def ask(self, method, path, *headers, port=None, **options):
        with Connection(port or self.port) as connection:
            return connection.ask(method, path, *headers, **options)

    def preflight(self, path, *headers, port=None):
        return self.ask("OPTIONS", path, *(headers or (A, PUT)), port=port)


@pytest.fixture(scope="module")
def site(module, tmp_path_factory):
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), module)
    for name, policy in POLICIES.items():
        nginx.write(f"{name}.json", policy)
    nginx.write("users", "user:{PLAIN}word\n")
    nginx.write("html/a.txt", "0123456789" * 10)
    nginx.write("html/ssi.txt", 'x<!--#include virtual="/included" -->y')
    nginx.write("html/directory/index.html", "index")
    for page in ("error", "bare", "page"):
        nginx.write(f"html/{page}.html", page)
    names = ("port", "h2", "moved", "bare", "dead")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    with Upstream(PAGES).running() as upstream:
        nginx.configure(HTTP % (ports | {"upstream": upstream.port}))
        with nginx.running(ports["port"]):
            yield Site(nginx, upstream, ports)


# ---- responses ----

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
            b"POST /proxy/plain HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nContent-Length: 1\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        interim = connection.read()
        assert (interim.status, interim.headers) == (100, [])
        connection.socket.sendall(b"x")
        final = connection.read()
    assert (final.status, final.one("access-control-allow-origin")) == (200, "https://a.example")
    switched = site.ask("GET", "/switch/upgrade", A, ("Connection", "upgrade"), ("Upgrade", "x"))
    assert (switched.status, switched.cors) == (101, {})


def test_gzip(site):
    response = site.ask("GET", "/gzip", A, ("Accept-Encoding", "gzip"))
    assert response.one("content-encoding") == "gzip"
    assert response.one("access-control-allow-origin") == "https://a.example"
    # nginx writes the one of gzip_vary itself, behind all filters.
    assert sorted(response.all("vary")) == ["Accept-Encoding", "Origin"]


# ---- preflights ----

BEFORE = [
    "/a.txt",
    "/none",
    "/auth",
    "/auth-request",
    "/deny",
    "/limited",
    "/tight",
    "/error-page",
    "/dead/",
    "/proxy/none",
    "/proxy",
    "/directory",
    "/tried",
    "/server-redirect",
    "/server-return",
    "/if?x=1",
    *(f"/return/{status}" for status in (200, 204, 301, 302, 403, 404, 500)),
]


@pytest.mark.parametrize("path", BEFORE)
def test_a_preflight_is_answered_before_everything_else(site, path):
    for _ in range(3):
        answer = site.preflight(path)
        assert (answer.status, answer.cors) == (204, ANSWERED)
        assert {name for name, _ in answer.headers} == {"server", "date", "connection", *ANSWERED}
    denied = site.preflight(path, EVIL, PUT)
    assert (denied.status, denied.cors, denied.body) == (403, {"vary": PREFLIGHT_VARY}, b"")
    assert denied.one("content-length") == "0"
    assert denied.one("content-type") is None
    assert denied.one("location") is None


def test_a_server_that_only_redirects(site):
    answer = site.preflight("/x", port=site.moved)
    assert (answer.status, answer.cors, answer.one("location")) == (204, ANSWERED, None)
    moved = site.ask("GET", "/x", A, port=site.moved)
    assert (moved.status, moved.cors, moved.one("location")) == (
        301,
        GRANTED,
        "https://localhost/x",
    )


def test_nothing_of_a_preflight_reaches_the_upstream(site):
    site.upstream.seen.clear()
    site.preflight("/proxy/plain")
    site.preflight("/proxy/plain", EVIL, PUT)
    assert site.upstream.seen == []
    # Without Access-Control-Request-Method it is a request like any other, and so is another
    # method.
    for method, headers in (("OPTIONS", [A]), ("OPTIONS", [PUT]), ("GET", [A, PUT])):
        response = site.ask(method, "/proxy/plain", *headers)
        assert (response.status, response.body) == (200, b"plain")
    assert len(site.upstream.seen) == 3


def test_what_a_preflight_may_not_do(site):
    answer = site.preflight("/a.txt", A, ("Access-Control-Request-Method", "PATCH"))
    assert (answer.status, answer.cors) == (
        204,
        ANSWERED,
    )  # what is granted stays, PATCH is not in it
    answer = site.preflight("/a.txt", A, PUT, ("Access-Control-Request-Headers", "x-other"))
    assert answer.one("access-control-allow-headers") == "X-Token, Authorization"


def test_other_statuses_of_preflights(site):
    answer = site.preflight("/status")
    assert (answer.status, answer.cors, answer.one("content-length")) == (200, ANSWERED, "0")
    assert answer.one("content-type") is None
    assert site.preflight("/status", EVIL, PUT).status == 400


def test_echoed_names_in_several_lines(site):
    answer = site.preflight(
        "/echo",
        A,
        PUT,
        ("Access-Control-Request-Headers", "x-b, X-A"),
        ("access-control-request-headers", "x-c,x-b"),
    )
    assert answer.one("access-control-allow-headers") == "x-b, x-a, x-c"


def test_more_lines_of_names_than_the_library_has_room_for(site):
    token = ("Access-Control-Request-Headers", "x-token")
    answer = site.preflight("/a.txt", A, PUT, *([token] * 100))
    assert (answer.status, answer.cors) == (204, ANSWERED)
    # Nothing passes unseen: the last line counts like the first.
    log = site.nginx.prefix / "logs/access.log"
    site.preflight(
        "/a.txt?lines", A, PUT, *([token] * 100), ("access-control-request-HEADERS", "x-other")
    )
    wait_until(lambda: "/a.txt?lines" in log.read_text(), "the line of the log")
    assert "/a.txt?lines 204 preflight header_not_allowed 0 0" in log.read_text().splitlines()


def test_a_preflight_follows_rewrites(site):
    answer = site.preflight("/rewritten")
    assert answer.one("access-control-allow-origin") == "*"
    assert site.ask("GET", "/rewritten", A).one("access-control-allow-origin") == "*"


def test_options_without_a_preflight_keeps_its_vary_in_an_error_page(site):
    # error_page makes the method GET; what caches see is still the answer to OPTIONS.
    response = site.ask("OPTIONS", "/error-page", A)
    assert response.status == 405
    response = site.ask("OPTIONS", "/sticky", A, port=site.bare)
    assert response.one("vary") == PREFLIGHT_VARY


# ---- what the request has ----


def test_two_origins_are_none(site):
    assert site.ask("GET", "/a.txt", A, A).cors == {"vary": "Origin"}
    assert site.ask("GET", "/any", A, EVIL).cors == {"access-control-allow-origin": "*"}
    assert site.ask("GET", "/a.txt", ("Origin", "https://a.example, https://a.example")).cors == {
        "vary": "Origin"
    }


def test_many_origins_more_than_once(site):
    """A worker remembers some: each must get its own all the same, and nothing else."""
    names = ["a.example", *(f"x{n}.wild.example" for n in range(12)), f"{'long' * 15}.wild.example"]
    for _ in range(3):
        for name in names:
            origin = ("Origin", f"https://{name}")
            assert site.ask("GET", "/a.txt", origin).cors == GRANTED | {
                "access-control-allow-origin": origin[1]
            }
            assert site.ask("GET", "/a.txt", origin, origin).cors == {"vary": "Origin"}
            assert site.ask("GET", "/any", origin).cors == {"access-control-allow-origin": "*"}
            assert site.ask("GET", "/a.txt", ("Origin", f"https://{name}.")).cors == {
                "vary": "Origin"
            }
            answer = site.preflight("/a.txt", origin, PUT)
            assert (answer.status, answer.cors) == (
                204,
                ANSWERED | {"access-control-allow-origin": origin[1]},
            )
            assert site.ask("OPTIONS", "/a.txt", origin).one("vary") == PREFLIGHT_VARY


TELLS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <crossgate.h>

crossgate_status crossgate_evaluate(const crossgate_policy *policy, const crossgate_request *request,
                                    crossgate_decision *decision, char *scratch, size_t size) {
    static __typeof__(&crossgate_evaluate) real;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "crossgate_evaluate");
    fputs("crossgate_evaluate is called\n", stderr);
    return real(policy, request, decision, scratch, size);
}
"""


class Telling(Nginx):
    """An nginx with one worker whose error log has a line for each time that the library decides."""

    def __init__(self, prefix, module):
        super().__init__(prefix, module, workers=1)
        source = self.write("tells.c", TELLS)
        command = [
            "cc",
            "-shared",
            "-fPIC",
            "-Wall",
            "-Werror",
            f"-I{ROOT}/include",
            source,
            "-o",
            prefix / "tells.so",
        ]
        subprocess.run([*command, "-ldl"], check=True)

    @property
    def command(self):
        return ["env", f"LD_PRELOAD={self.prefix}/tells.so", *super().command]

    @property
    def decisions(self):
        return self.errors.count("crossgate_evaluate is called")


def test_what_a_worker_remembers(module, tmp_path):
    """Origins that somebody else can invent take no place of those that are listed."""
    many = [f"https://{n}.example" for n in range(10)]
    policies = {
        "main": MAIN,
        "any": {
            "allow_origins": "*",
            "expose_headers": ["X-Total"],
            "own_origins": ["https://own.example"],
        },
        "many": {"allow_origins": many},
        "null": {"allow_origins": ["https://a.example"], "allow_null_origin": True},
        "static": {"allow_origins": ["https://a.example"], "single_origin": "static"},
        "host": {"host_origins": True},
    }
    (port,) = free_ports(1)
    nginx = Telling(tmp_path, module)
    for name, policy in policies.items():
        nginx.write(f"{name}.json", policy)
    places = "".join(
        f"location /{name} {{ crossgate_policy {name}.json; return 200; }}" for name in policies
    )
    watched = (
        "location /watched { crossgate_policy any.json; crossgate_shadow main.json; return 200; }"
    )
    asked = "location /asked { crossgate_policy host.json; crossgate_verdict allow; return 200; }"
    nginx.configure(f"server {{ listen 127.0.0.1:{port}; {places} {watched} {asked} }}")
    with nginx.running(port), Connection(port) as connection:

        def decisions(path, *origins, method="GET", answer="same"):
            before = nginx.decisions
            cors = connection.ask(method, path, *(("Origin", origin) for origin in origins)).cors
            assert cors.get("access-control-allow-origin") == (
                origins[0] if answer == "same" else answer
            )
            return nginx.decisions - before

        # A place is taken by deciding a second time.
        for _ in range(2):
            for n in range(9):
                assert decisions("/main", f"https://x{n}.wild.example") == 1
                assert decisions("/asked", f"https://x{n}.example") == 1
        assert [decisions("/main", "https://a.example") for _ in range(3)] == [2, 0, 0]
        assert [decisions("/main", "https://x0.wild.example") for _ in range(2)] == [1, 1]
        assert [decisions("/main", "https://evil.example", answer=None) for _ in range(2)] == [1, 1]
        assert [decisions("/null", "null") for _ in range(2)] == [1, 1]
        for number, origin in enumerate(many):
            assert [decisions("/many", origin) for _ in range(2)] == (
                [2, 0] if number < 8 else [1, 1]
            )
        assert decisions("/many", many[0]) == 0
        # A constant origin, but what is told of the request differs.
        assert [decisions("/static", "https://a.example") for _ in range(2)] == [2, 0]
        assert [
            decisions("/static", "https://evil.example", answer="https://a.example")
            for _ in range(2)
        ] == [1, 1]
        # "*" is the same for everybody, and never takes long.
        for origins in (
            ["https://a.example"],
            ["null"],
            ["x, y"],
            ["https://own.example"],
            ["https://a.example"] * 2,
        ):
            assert decisions("/any", *origins, answer="*") == 0
            assert decisions("/any", *origins, answer="*", method="POST") == 0
            assert decisions("/any", *origins, answer="*", method="OPTIONS") == 1
        exposed = {"access-control-allow-origin": "*", "access-control-expose-headers": "X-Total"}
        assert connection.ask("GET", "/any", EVIL).cors == exposed
        assert decisions("/watched", "https://a.example", answer="*") == 2
        assert nginx.errors.count("shadow policy differs") == 1


@pytest.mark.parametrize(
    "value", ["\thttps://a.example", "https://a.example\t ", " \t https://a.example"]
)
def test_tabs_around_an_origin(site, value):
    assert site.ask("GET", "/a.txt", ("Origin", value)).cors == GRANTED


def test_any_case_of_names(site):
    assert site.ask("GET", "/a.txt", ("oRIGIN", "https://a.example")).cors == GRANTED


# ---- headers of upstreams and of add_header ----


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


# ---- redirects inside, and sub-requests ----


def test_error_pages_keep_the_decision(site):
    response = site.ask("GET", "/error-page", A)  # the page's own location is off
    assert (response.status, response.body, response.cors) == (404, b"error", GRANTED)
    response = site.ask("GET", "/sticky", A, port=site.bare)  # and here it has no policy
    assert (response.status, response.body, response.cors) == (404, b"bare", GRANTED)


@pytest.mark.parametrize("path", ["/return-page", "/return-named"])
def test_return_with_an_error_page_keeps_the_decision(site, path):
    # return comes before most phases, and nginx leaves the location without asking a module.
    response = site.ask("GET", path, A, port=site.bare)
    assert (response.status, response.cors) == (404, GRANTED)
    assert response.body in (b"bare", b"named")
    answer = site.preflight(path, port=site.bare)
    assert (answer.status, answer.cors) == (204, ANSWERED)


def test_where_a_policy_begins(site):
    star = {"access-control-allow-origin": "*"}
    assert site.ask("GET", "/page-return", A, port=site.bare).cors == star
    assert (
        site.preflight("/page-return", port=site.bare).status == 404
    )  # an error page answers no preflight
    assert (
        site.preflight("/app", port=site.bare).status == 204
    )  # error_page = hands over to an application
    # The location behind the rewrite has no policy.
    assert site.ask("GET", "/rewritten", A, port=site.bare).cors == {}
    assert site.preflight("/rewritten", port=site.bare).status == 200


def test_internal_redirects_keep_the_decision(site):
    response = site.ask("GET", "/accel", A)
    assert (response.status, response.cors) == (200, GRANTED)
    assert response.body.startswith(b"0123")


def test_a_policy_behind_try_files(site):
    answer = site.preflight("/php", port=site.bare)
    assert (answer.status, answer.cors) == (204, ANSWERED)
    response = site.ask("GET", "/php", A, port=site.bare)
    assert (response.body, response.cors) == (b"php", GRANTED)
    assert site.ask("GET", "/off", A, port=site.bare).cors == {}
    assert site.preflight("/off", port=site.bare).cors == {}
    assert site.ask("GET", "/plain", A, port=site.bare).cors == {}


def test_the_policy_of_an_error_page_answers_no_preflight(site):
    response = site.preflight("/page", port=site.bare)
    assert (response.status, response.body) == (405, b"page")


def test_sub_requests_are_left_alone(site):
    # /check has a policy that rejects, and would refuse this origin.
    response = site.ask("GET", "/auth-request-file", EVIL)
    assert (response.status, response.cors) == (200, {"vary": "Origin"})
    response = site.ask("GET", "/ssi", EVIL)
    assert (response.status, response.cors) == (200, {"vary": "Origin"})
    assert response.body == b"x" + b"0123456789" * 10 + b"y"
    # The same where the request itself has no policy.
    response = site.ask("GET", "/auth-request", EVIL, port=site.bare)
    assert (response.status, response.cors) == (200, {})
    response = site.ask("GET", "/ssi", EVIL, port=site.bare)
    assert (response.status, response.cors) == (200, {})
    assert response.body == b"x" + b"0123456789" * 10 + b"y"
    # By themselves they are refused.
    for path in ("/included", "/check"):
        assert site.ask("GET", path, EVIL, port=site.bare).status == 403


# ---- configuration ----


def test_inheritance(site):
    star = {"access-control-allow-origin": "*"}
    assert site.ask("GET", "/off", A).cors == {}
    assert site.ask("GET", "/off/on", A).cors == star
    assert site.ask("GET", "/any", A).cors == star
    assert site.ask("GET", "/outer/inner", A).cors == star
    assert site.preflight("/off").cors == {}
    assert site.preflight("/off/on").status == 204
    assert site.preflight("/limited").cors == ANSWERED


def test_reject(site):
    for path in ("/reject", "/reject-file"):
        refused = site.ask("GET", path, EVIL)
        assert (refused.status, refused.cors, refused.body) == (403, {"vary": "Origin"}, b"")
        assert refused.one("content-length") == "0"
        assert site.ask("GET", path, A).status == 200
        assert site.ask("GET", path).status == 200
        assert site.ask("GET", path, ("Origin", "https://own.example")).status == 200
        assert site.ask("GET", path, EVIL, ("Sec-Fetch-Site", "same-origin")).status == 200


def test_the_host_decides(site):
    def origin(path, value):
        return site.ask("GET", path, ("Origin", value)).one("access-control-allow-origin")

    assert origin("/host", "https://tenant.example") == "https://tenant.example"
    for value in ("https://evil.example", "https://odd.example", "null", "https://tenant.example/"):
        assert origin("/host", value) is None
    assert origin("/host-mute", "https://tenant.example") is None
    assert (
        site.preflight(
            "/host", ("Origin", "https://tenant.example"), ("Access-Control-Request-Method", "GET")
        ).status
        == 204
    )
    # Not asked, not told: the library refuses a verdict that nobody wanted, and the module would
    # log that.
    assert origin("/host-unasked", "https://tenant.example") is None
    assert origin("/host-unasked", "https://a.example") == "https://a.example"
    assert "verdict for a policy" not in site.nginx.errors


def test_variables_in_the_log(site):
    asked = [
        (site.ask("GET", "/a.txt?1", A), "/a.txt?1 200 actual allowed 1 0"),
        (site.ask("GET", "/none?2", EVIL), "/none?2 404 actual origin_not_listed 0 0"),
        (site.preflight("/auth?3"), "/auth?3 204 preflight allowed 1 0"),
        (
            site.preflight("/return/301?4", EVIL, PUT),
            "/return/301?4 403 preflight origin_not_listed 0 0",
        ),
        (site.ask("GET", "/a.txt?5"), "/a.txt?5 200 not_cors no_origin - 0"),
        (site.ask("GET", "/off?6", A), "/off?6 200 - - - -"),
        (site.ask("GET", "/accel?7", A), "/accel?7 200 actual allowed 1 0"),
        (site.ask("GET", "/error-page?8", A, A), "/error-page?8 404 actual origin_multiple 0 0"),
        (
            site.ask("GET", "/a.txt?9", A, ("Range", "bytes=1000-")),
            "/a.txt?9 416 actual allowed 1 0",
        ),
        (site.ask("GET", "/proxy/stars?10", A), "/proxy/stars?10 200 actual allowed 1 1"),
        (site.ask("GET", "/proxy/stars?11"), "/proxy/stars?11 200 not_cors no_origin - 1"),
        (site.ask("GET", "/proxy/plain?12", A), "/proxy/plain?12 200 actual allowed 1 0"),
        (site.ask("GET", "/own-header?13", A), "/own-header?13 404 actual allowed 1 1"),
    ]
    log = site.nginx.prefix / "logs/access.log"
    wanted = {line for _, line in asked}

    def targets(lines):
        return {line.split()[0] for line in lines}

    wait_until(
        lambda: targets(wanted) <= targets(log.read_text().splitlines()), "a line for each request"
    )
    assert wanted - set(log.read_text().splitlines()) == set()


def curl(site, path, *options):
    found = subprocess.run(
        [
            "curl",
            "-s",
            "-i",
            "--http2-prior-knowledge",
            "--max-time",
            "10",
            *options,
            f"http://127.0.0.1:{site.h2}{path}",
        ],
        capture_output=True,
        check=True,
    )
    head = found.stdout.decode().split("\r\n\r\n")[0].split("\r\n")
    assert head[0].startswith("HTTP/2 ")
    headers = dict(line.split(": ", 1) for line in head[1:])
    assert len(headers) == len(head) - 1  # none twice
    return int(head[0].split(" ")[1]), {
        name: value for name, value in headers.items() if name in ANSWERED | GRANTED
    }


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_http2(site):
    origin = ("-H", "Origin: https://a.example")
    assert curl(site, "/a.txt", *origin) == (200, GRANTED)
    assert curl(site, "/none", *origin) == (404, GRANTED)
    assert curl(site, "/a.txt", *origin, "-r", "1000-") == (416, GRANTED)
    preflight = ("-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT")
    for path in ("/auth", "/return/301", "/proxy", "/server-redirect"):
        assert curl(site, path, *origin, *preflight) == (204, ANSWERED)
        assert curl(site, path, "-H", "Origin: null", *preflight) == (403, {"vary": PREFLIGHT_VARY})


def test_nginx_has_nothing_to_complain_about(site):
    site.ask("GET", "/a.txt", A)
    errors = re.sub(r".*\[warn\].*: crossgate: .*", "", site.nginx.errors)
    assert not re.search(r"\[(alert|crit|emerg)\]|exited on signal|crossgate:", errors)


# ---- vectors ----


def vectors():
    lines = (ROOT / "tests/vectors/decisions.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def cannot_be_sent(vector):
    """Why nginx answers this request without asking any module, or does not show a header to one."""
    request = vector["request"]
    if not re.fullmatch(r"[A-Z_-]+", request["method"]):
        return "a method that nginx refuses"
    if request["method"] in ("TRACE", "CONNECT"):
        return "a method that nginx refuses"
    for name, value in request["headers"]:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            return "a header name that nginx passes over"
        if re.search("[\0\r\n]", value):
            return "a byte that nginx refuses in a value"
        if len(value) > 4096 and value != value.strip(" "):
            return "white space that nginx takes off, where every byte counts"
    return None


def test_vectors(module, tmp_path):
    """Every vector, with junk in each CORS header that the decision sets or removes."""
    locations, skipped, run = {}, collections.Counter(), []
    nginx = Nginx(tmp_path, module)
    for vector in vectors():
        reason = cannot_be_sent(vector)
        if reason:
            skipped[reason] += 1
            continue
        text = json.dumps(vector["policy"])
        if text not in locations:
            locations[text] = f"/{len(locations)}/"
            nginx.write(f"{len(locations) - 1}.json", vector["policy"])
        run.append((locations[text], vector))
    assert len(run) >= 300
    assert sum(skipped.values()) <= 10, skipped
    names = ("Origin", "Credentials", "Methods", "Headers", "Private-Network")
    junk = "".join(f"add_header Access-Control-Allow-{name} junk always; " for name in names)
    junk += "add_header Access-Control-Max-Age junk always; "
    blocks = "".join(
        f"location {place} {{ crossgate_policy {place.strip('/')}.json; crossgate_verdict $http_x_verdict; "
        f"return 200; location {place}junk {{ {'' if 'keep' in text else junk} return 200; }} }}\n"
        for text, place in locations.items()
    )
    (port,) = free_ports(1)
    nginx.configure(
        "large_client_header_buffers 8 64k; keepalive_requests 10000;\n"
        "log_format cors '$crossgate_kind $crossgate_reason $crossgate_allowed $arg_id';\n"
        "access_log logs/access.log cors;\n"
        f"server {{ listen 127.0.0.1:{port};\n{blocks} }}"
    )
    expected_log = []
    with nginx.running(port), Connection(port) as connection:
        for place, vector in run:
            request, decision = vector["request"], vector["decision"]
            headers = [tuple(pair) for pair in request["headers"]]
            if "verdict" in request:
                headers.append(("X-Verdict", request["verdict"]))
            for extra in ("", "junk"):
                response = connection.ask(
                    request["method"], f"{place}{extra}?id={vector['id']}", *headers
                )
                found = [
                    [name, value]
                    for name, value in response.headers
                    if name.startswith("access-control-") or name == "vary"
                ]
                wanted = decision["headers"]
                if extra:  # add_header was first
                    found, wanted = sorted(found), sorted(wanted)
                assert (response.status, found) == (decision["status"] or 200, wanted), vector
            allowed = {True: "1", False: "0", None: "-"}[decision["allowed"]]
            expected_log.append(f"{decision['kind']} {decision['reason']} {allowed} {vector['id']}")
    log = (tmp_path / "logs/access.log").read_text().splitlines()
    assert log == [line for line in expected_log for _ in range(2)]
    assert "crossgate" not in re.sub(r"\[warn\].*", "", nginx.errors)


# ---- configurations ----


def configured(module, tmp_path, inner, **files):
    nginx = Nginx(tmp_path, module)
    nginx.write("good.json", MAIN)
    for name, content in files.items():
        nginx.write(name.replace("_", "."), content)
    (port,) = free_ports(1)
    nginx.configure(f"server {{ listen 127.0.0.1:{port}; {inner} }}")
    return nginx


def test_a_bad_policy_shows_every_problem(module, tmp_path):
    bad = {
        "allow_origins": ["https://a.example/", "*.b.example"],
        "allow_credentials": "yes",
        "max_ages": 5,
    }
    nginx = configured(module, tmp_path, "crossgate_policy bad.json;", bad_json=bad)
    checked = nginx.check()
    assert checked.returncode == 1
    problems = [line for line in checked.stderr.splitlines() if "crossgate" in line]
    assert sorted(re.search(r'json": (\w+ at \S+): ', line)[1] for line in problems) == [
        "option_type at allow_credentials",
        "origin_has_path at allow_origins[0]",
        "origin_missing_scheme at allow_origins[1]",
        "pattern_unsupported at allow_origins[1]",
        "unknown_option at max_ages",
    ]
    first = next(line for line in problems if "allow_origins[0]" in line)
    assert first.startswith("nginx: [emerg] ")
    assert f'"{tmp_path}/bad.json": origin_has_path' in first
    assert "write: https://a.example in " in first
    assert f"in {tmp_path}/nginx.conf:" in first
    assert "syntax is ok" not in checked.stderr


def test_warnings_are_shown_and_do_not_matter(module, tmp_path):
    warned = {"allow_origins": ["https://A.example"]}
    checked = configured(module, tmp_path, "crossgate_policy w.json;", w_json=warned).check()
    assert checked.returncode == 0
    assert re.search(r"\[warn\].*w\.json.* at allow_origins\[0\]: ", checked.stderr)
    # Once, though two places use it.
    twice = "crossgate_policy w.json; location / { crossgate_policy w.json; }"
    again = configured(module, tmp_path, twice, w_json=warned).check()
    assert again.stderr.count("[warn]") == 1


def test_a_verdict_that_nobody_asks_for(module, tmp_path):
    """Only where no policy has host_origins: one that holds for several policies is asked by those that have."""

    def warnings(inner):
        checked = configured(module, tmp_path, inner, host_json={"host_origins": True}).check()
        assert checked.returncode == 0, checked.stderr
        return re.findall(r"\[warn\] .*never asked.*host_origins.* in (.*)", checked.stderr)

    lines = (
        "crossgate_policy good.json;\nlocation /a { crossgate_policy host.json; }\ncrossgate_verdict $host;\n",
        "location /a {\ncrossgate_verdict $host;\ncrossgate_policy host.json; }",
        "crossgate_verdict $host; crossgate_policy good.json; crossgate_shadow host.json;",
        "crossgate_policy good.json; location /a { crossgate_verdict $host; if ($arg_x) { return 204; } "
        "location /a/b { crossgate_policy host.json; } }",
    )
    for inner in lines:
        assert warnings(inner) == [], inner
    place = f"{tmp_path}/nginx.conf"
    first = next(
        number
        for number, line in enumerate((tmp_path / "nginx.conf").read_text().splitlines(), 1)
        if "listen" in line
    )
    assert warnings("\ncrossgate_policy good.json;\ncrossgate_verdict $host;") == [
        f"{place}:{first + 2}"
    ]
    assert warnings("crossgate_verdict $host;") == [f"{place}:{first}"]
    twice = (
        "crossgate_policy host.json; location /a { crossgate_policy good.json;\ncrossgate_verdict $host; }\n"
        "location /b { crossgate_verdict $uri; }\nlocation /c { crossgate off; crossgate_verdict $uri; }"
    )
    assert warnings(twice) == [f"{place}:{first + 1}", f"{place}:{first + 3}"]


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (
            "crossgate_policy good.json; crossgate_policy good.json;",
            '"crossgate_policy" directive is duplicate',
        ),
        (
            "crossgate_shadow good.json; crossgate_shadow good.json;",
            '"crossgate_shadow" directive is duplicate',
        ),
        (
            "crossgate_shadow off; crossgate_shadow off;",
            '"crossgate_shadow" directive is duplicate',
        ),
        (
            "crossgate_verdict $host; crossgate_verdict $host;",
            '"crossgate_verdict" directive is duplicate',
        ),
        ("crossgate off; crossgate off;", '"crossgate" directive is duplicate'),
        ("crossgate off; crossgate_policy good.json;", 'contradicts "crossgate off"'),
        ("crossgate_policy good.json; crossgate off;", 'contradicts "crossgate_policy"'),
        ("crossgate on;", 'invalid value "on" in "crossgate"'),
        ("crossgate_policy none.json;", "none.json"),
        ("crossgate_policy good.txt;", "good.txt"),
        ("crossgate_policy;", 'invalid number of arguments in "crossgate_policy"'),
        ("crossgate_verdict $no_such_variable;", 'unknown "no_such_variable" variable'),
        (
            "location / { if ($host) { crossgate_policy good.json; } }",
            "directive is not allowed here",
        ),
    ],
)
def test_wrong_directives(module, tmp_path, inner, message):
    checked = configured(module, tmp_path, inner).check()
    assert checked.returncode == 1
    assert message in checked.stderr
    assert "[emerg]" in checked.stderr


def test_toml_and_absolute_paths(module, tmp_path):
    toml = 'allow_origins = ["https://a.example"]\n'
    inner = f"crossgate_policy {tmp_path}/p.toml; location /x {{ crossgate_shadow p.toml; crossgate off; }}"
    checked = configured(module, tmp_path, inner, p_toml=toml).check()
    assert checked.returncode == 0, checked.stderr


def test_shadow(module, tmp_path):
    shadow = MAIN | {"allow_origins": ["https://new.example", "https://a.example"], "max_age": 601}
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    nginx.write("live.json", MAIN)
    nginx.write("shadow.json", shadow)
    http = f"""server {{
        listen 127.0.0.1:{port};
        crossgate_policy live.json;
        crossgate_shadow shadow.json;
        location / {{ return 200; }}
        location /none {{ crossgate_shadow off; }}
        location /off {{ crossgate off; }}
    }}"""
    nginx.configure(http)
    new = ("Origin", "https://new.example")

    def logged():
        return [line for line in nginx.errors.splitlines() if "shadow policy differs" in line]

    with nginx.running(port), Connection(port) as connection:
        for path in ("/none", "/off"):
            connection.ask("GET", path, new)
        assert connection.ask("GET", "/", A).cors == GRANTED
        assert logged() == []
        assert connection.ask("GET", "/", new).cors == {"vary": "Origin"}  # nothing changes
        assert len(logged()) == 1
        assert "[info]" in logged()[0]
        assert "forward allowed 0, not forward origin_not_listed 0" in logged()[0]
        assert connection.ask("OPTIONS", "/", A, PUT).cors == ANSWERED
        assert len(logged()) == 2
        assert '"Access-Control-Max-Age: 601", not "Access-Control-Max-Age: 600"' in logged()[1]
        assert connection.ask("OPTIONS", "/", new, PUT).status == 403
        assert "answer allowed 204, not answer origin_not_listed 403" in logged()[2]
    nginx.configure(http, level="notice")
    with nginx.running(port), Connection(port) as connection:
        connection.ask("GET", "/", new)
        assert len(logged()) == 3


def test_shadow_and_verdict(module, tmp_path):
    """The host is asked for whichever of the two policies wants to know; the shadow changes nothing all the same."""
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    nginx.write("main.json", MAIN)
    nginx.write("host.json", {"host_origins": True})
    nginx.write("hosts.json", {"host_origins": True, "expose_headers": ["X-Total"]})
    nginx.configure(f"""
        map $http_origin $verdict {{ default deny; https://tenant.example allow; }}
        log_format cors '$request_uri $crossgate_reason $crossgate_allowed';
        server {{
            listen 127.0.0.1:{port};
            access_log logs/access.log cors;
            crossgate_verdict $verdict;
            location /live {{ crossgate_policy host.json; crossgate_shadow main.json; return 200; }}
            location /shadow {{ crossgate_policy main.json; crossgate_shadow host.json; return 200; }}
            location /both {{ crossgate_policy host.json; crossgate_shadow hosts.json; return 200; }}
        }}
    """)
    tenant = ("Origin", "https://tenant.example")
    granted = {"access-control-allow-origin": "https://tenant.example", "vary": "Origin"}
    denied = {"vary": "Origin"}

    with nginx.running(port), Connection(port) as connection:

        def ask(path, *headers, method="GET"):
            before = nginx.errors.count("shadow policy differs")
            response = connection.ask(method, path, *headers)
            lines = [line for line in nginx.errors.splitlines() if "shadow policy differs" in line][
                before:
            ]
            return response.cors, [
                re.search(r"differs: (.*?), client: ", line)[1] for line in lines
            ]

        def vary_instead_of(origin):
            return f'"Vary: Origin", not "Access-Control-Allow-Origin: {origin}"'

        allowed, refused = "forward allowed 0", "forward origin_not_listed 0"
        instead = vary_instead_of("https://tenant.example")
        reverse = '"Access-Control-Allow-Origin: https://tenant.example", not "Vary: Origin"'
        assert ask("/live", tenant) == (granted, [f"{refused}, not {allowed}, {instead}"])
        assert ask("/shadow", tenant) == (denied, [f"{allowed}, not {refused}, {reverse}"])
        exposes = '"Access-Control-Expose-Headers: X-Total", not "Vary: Origin"'
        assert ask("/both", tenant) == (granted, [f"{allowed}, not {allowed}, {exposes}"])
        for path in ("/live", "/shadow", "/both"):
            assert ask(path, EVIL) == (denied, [])
        # Listed in one of them, denied by the host in the other.
        assert ask("/live", A)[0] == denied
        cors, lines = ask("/shadow", A)
        assert cors == GRANTED
        assert lines == [f"{refused}, not {allowed}, {vary_instead_of('https://a.example')}"]
        get = ("Access-Control-Request-Method", "GET")
        cors, (line,) = ask("/shadow", tenant, get, method="OPTIONS")
        assert cors == {"vary": PREFLIGHT_VARY}
        assert line.startswith("answer allowed 204, not answer origin_not_listed 403, ")
        cors, (line,) = ask("/live", tenant, get, method="OPTIONS")
        assert cors == granted | {"vary": PREFLIGHT_VARY}
        assert line.startswith("answer origin_not_listed 403, not answer allowed 204, ")
        # Nobody decides differently, nobody is told.
        assert ask("/both")[1] == []
    assert "verdict for a policy" not in nginx.errors
    lines = (tmp_path / "logs/access.log").read_text().splitlines()
    assert lines[:2] == ["/live allowed 1", "/shadow origin_not_listed 0"]


HTTP_LEVEL = """
    map $http_origin $verdict { default deny; https://tenant.example allow; }
    crossgate_policy main.json;
    crossgate_shadow shadow.json;
    crossgate_verdict $verdict;
    server {
        listen 127.0.0.1:%(inherits)d;
        location / { return 200; }
        location /off {
            crossgate off;
            location /off/inner { return 200; }
            location /off/on { crossgate_policy main.json; return 200; }
        }
        location /other { crossgate_policy other.json; location /other/inner { return 200; } return 200; }
        location /unwatched { crossgate_shadow off; location /unwatched/inner { return 200; } return 200; }
        location /watched { crossgate_shadow other.json; return 200; }
        location /host { crossgate_policy host.json; crossgate_shadow off; return 200; }
        location /host-none { crossgate_policy host.json; crossgate_shadow off; crossgate_verdict deny; return 200; }
    }
    server {
        listen 127.0.0.1:%(off)d;
        crossgate off;
        location / { return 200; }
        location /on { crossgate_policy main.json; return 200; }
    }
    server {
        listen 127.0.0.1:%(other)d;
        crossgate_policy other.json;
        crossgate_shadow off;
        location / { return 200; }
        location /main { crossgate_policy main.json; crossgate_shadow shadow.json; return 200; }
    }
"""


def test_directives_at_http_level(module, tmp_path):
    names = ("inherits", "off", "other")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    nginx = Nginx(tmp_path, module)
    for name in ("main", "other", "host"):
        nginx.write(f"{name}.json", POLICIES[name])
    nginx.write(
        "shadow.json", MAIN | {"allow_origins": ["https://new.example", "https://a.example"]}
    )
    nginx.configure(HTTP_LEVEL % ports)
    new, other, tenant = (
        ("Origin", f"https://{name}.example") for name in ("new", "other", "tenant")
    )
    others = {"access-control-allow-origin": "https://other.example", "vary": "Origin"}
    denied = {"vary": "Origin"}

    with nginx.running(ports["inherits"]):

        def ask(path, *headers, server="inherits", method="GET"):
            """The answer, and how many lines of the shadow."""
            before = nginx.errors.count("shadow policy differs")
            with Connection(ports[server]) as connection:
                response = connection.ask(method, path, *headers)
            return response.cors, nginx.errors.count("shadow policy differs") - before

        assert ask("/", A) == (GRANTED, 0)
        assert ask("/", new) == (denied, 1)
        assert ask("/", A, PUT, method="OPTIONS") == (ANSWERED, 0)
        assert ask("/none", A, method="POST") == (GRANTED, 0)
        for path in ("/off", "/off/inner"):
            for headers, method in (((A,), "GET"), ((new,), "GET"), ((A, PUT), "OPTIONS")):
                assert ask(path, *headers, method=method) == ({}, 0)
        assert ask("/off/on", new) == (denied, 1)
        for path in ("/other", "/other/inner"):
            assert ask(path, other) == (others, 1)
            assert ask(path, EVIL) == (denied, 0)
        for path in ("/unwatched", "/unwatched/inner"):
            assert ask(path, new) == (denied, 0)
        assert ask("/watched", new) == (denied, 0)
        assert ask("/watched", other) == (denied, 1)
        assert ask("/host", tenant) == (
            {"access-control-allow-origin": tenant[1], "vary": "Origin"},
            0,
        )
        assert ask("/host", new) == (denied, 0)
        assert ask("/host-none", tenant) == (denied, 0)
        assert ask("/", A, server="off") == ({}, 0)
        assert ask("/on", A, server="off") == (GRANTED, 0)
        assert ask("/on", new, server="off") == (denied, 1)
        assert ask("/", other, server="other") == (others, 0)
        assert ask("/", new, server="other") == (denied, 0)
        assert ask("/main", new, server="other") == (denied, 1)
    # A server may say the opposite of http.
    nginx.configure(
        f"crossgate off; server {{ listen 127.0.0.1:{ports['off']}; location / {{ return 200; }} }}"
        f"server {{ listen 127.0.0.1:{ports['other']}; crossgate_policy other.json; location / {{ return 200; }} }}"
    )
    with nginx.running(ports["off"]):
        for server, cors in (("off", {}), ("other", others)):
            with Connection(ports[server]) as connection:
                assert connection.ask("GET", "/", other).cors == cors
    # Twice in one place is an error there too.
    nginx.configure("crossgate off; crossgate_policy main.json;")
    assert 'contradicts "crossgate off"' in nginx.check().stderr


def test_a_module_that_is_loaded_but_not_used(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    nginx.configure(
        f"log_format c '$crossgate_reason'; access_log logs/access.log c; server {{ listen 127.0.0.1:{port}; "
        "location / { return 200; } }"
    )
    with nginx.running(port), Connection(port) as connection:
        assert connection.ask("GET", "/", A).cors == {}
        assert connection.ask("OPTIONS", "/", A, PUT).cors == {}
    assert (tmp_path / "logs/access.log").read_text() == "-\n-\n"


# ---- reload ----


def resident(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def test_reload_under_load(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module, workers=4)
    nginx.configure(
        f"server {{ listen 127.0.0.1:{port}; crossgate_policy p.json; location / {{ return 200; }} }}"
    )
    nginx.write("p.json", MAIN)
    stop = threading.Event()

    def load():
        count, seen = 0, set()
        while not stop.is_set() or count == 0:
            with Connection(port) as connection:
                response = connection.ask("GET", "/", A, ("Connection", "close"))
            assert response.status == 200
            assert response.one("access-control-allow-origin") == "https://a.example"
            seen.add(response.one("access-control-expose-headers"))
            with Connection(port) as connection:
                assert connection.ask("OPTIONS", "/", A, PUT, ("Connection", "close")).status == 204
            count += 2
        return count, seen

    def exposed():
        with Connection(port) as connection:
            return connection.ask("GET", "/", A).one("access-control-expose-headers")

    with nginx.running(port), concurrent.futures.ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(load) for _ in range(3)]
        try:
            for turn in range(10):
                nginx.write("p.json.new", MAIN | {"expose_headers": [f"X-{turn}"]}).rename(
                    tmp_path / "p.json"
                )
                nginx.reload()
                wait_until(lambda turn=turn: exposed() == f"X-{turn}", "the new policy")
            nginx.write("p.json.new", '{"allow_origins": []}').rename(tmp_path / "p.json")
            nginx.reload()
            wait_until(lambda: "origins_empty" in nginx.errors, "the bad file is refused")
        finally:
            stop.set()
        results = [worker.result() for worker in workers]
        # A bad file leaves the last good policy.
        assert exposed() == "X-9"
    known = {"X-Total", *(f"X-{turn}" for turn in range(10))}
    for _, seen in results:
        assert seen <= known
    assert "crossgate" in nginx.errors
    assert not re.search(r"exited on signal|\[alert\]", nginx.errors)


def test_reload_frees_old_policies(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module, workers=1)
    nginx.configure(f"server {{ listen 127.0.0.1:{port}; crossgate_policy big.json; }}")
    nginx.write(
        "big.json",
        {"allow_origins": [f"https://host-{number}.example" for number in range(50_000)]},
    )

    def reload_times(count):
        for _ in range(count):
            before = nginx.errors.count("signal 17 (SIGCHLD)")
            nginx.reload()
            wait_until(
                lambda before=before: nginx.errors.count("signal 17 (SIGCHLD)") > before,
                "the old worker ends",
            )
        return resident(nginx.process.pid)

    with nginx.running(port):
        one = resident(nginx.process.pid)
        settled = reload_times(4)
        after = reload_times(8)
    # 50,000 origins are megabytes; eight copies would be seen.
    assert one > 5_000
    assert after - settled < 3_000, (one, settled, after)


def test_one_library_inside_the_module(module, tmp_path):
    """CROSSGATE_STATIC=1: one file, which shows nothing of the library to other modules."""
    if not (ROOT / "target/release/libcrossgate.a").exists():
        pytest.skip("target/release/libcrossgate.a is missing: make build")
    shutil.copy(ROOT / "target/release/libcrossgate.a", tmp_path)
    environment = os.environ | {"CROSSGATE_STATIC": "1", "CROSSGATE_LIB": str(tmp_path)}
    built = subprocess.run(
        [BUILD, tmp_path / "out"], env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    static = pathlib.Path(built.stdout.strip())
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", static], capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[-1] for line in symbols.splitlines()} == {
        "ngx_http_crossgate_module",
        "ngx_module_names",
        "ngx_module_order",
        "ngx_modules",
    }
    assert (
        configured(static, tmp_path / "prefix", "crossgate_policy good.json;").check().returncode
        == 0
    )
