"""Preflights are answered before everything else."""

import pytest
from nginx_harness import wait_until
from nginx_site import ANSWERED, EVIL, GRANTED, PREFLIGHT_VARY, PUT, A

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
