"""Redirects inside nginx, and sub-requests."""

import pytest
from nginx_site import ANSWERED, EVIL, GRANTED, A


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
