"""Some tests once more where every connection has a process of its own: the prefork MPM.

pytest collects them here too, and gives them this file's server.
"""

import contextlib

import pytest
import test_httpd_places
import test_httpd_preflights
import test_httpd_responses
from httpd_server import Connection
from httpd_site import ACTUAL, PREFLIGHT, PUT, A, whole

CORE = (
    "a_preflight_is_answered_before_everything_else",
    "a_preflight_that_is_denied",
    "a_preflight_with_a_body_and_keep_alive",
    "an_error_document_keeps_the_policy_of_the_url",
    "an_upstreams_own_headers_do_not_leak",
    "every_response_has_the_headers",
    "htaccess",
    "reject",
    "sections",
    "shadow_changes_nothing_and_is_logged",
    "the_reason_is_in_the_log",
    "the_verdict_of_a_variable",
    "the_verdict_of_an_expression",
)
everything = {
    name: test
    for module in (test_httpd_preflights, test_httpd_responses, test_httpd_places)
    for name, test in vars(module).items()
}
globals().update({f"test_{name}": everything[f"test_{name}"] for name in CORE})


@pytest.fixture(scope="module")
def server(module):
    with whole(module, "prefork") as httpd:
        yield httpd


def test_it_is_prefork(server):
    listed = server.run("-t", "-D", "DUMP_MODULES").stdout
    assert "mpm_prefork_module" in listed
    assert "mpm_event_module" not in listed


def test_many_processes_answer_alike(server):
    """Six connections that stay open are six processes; each has the policy that was read before
    the fork.
    """
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(server.port)) for _ in range(6)]
        for _ in range(3):
            for connection in connections:
                assert connection.request("OPTIONS", "/api/a.txt", [A, PUT]).cors == PREFLIGHT
                assert connection.request("GET", "/api/a.txt", [A]).cors == ACTUAL
