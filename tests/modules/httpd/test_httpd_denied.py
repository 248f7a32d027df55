"""Every denial can be seen, with the method or header name at fault, and nothing that a request
sends can pass for something else in a log.
"""

import re

import pytest
from httpd_server import Connection
from httpd_site import EVIL, PUT, A, small

TEXT = """
LogFormat "%U reason=%{crossgate-reason}n denied=%{crossgate-denied}n;" denied
CustomLog {root}/logs/denied.log denied
<Location />
    CrossgatePolicy policies/api.json
</Location>
<Location /shadow>
    CrossgateShadow policies/echo.json
</Location>
<Location /shown>
    Header always set X-Cors-Denied "expr=%{note:crossgate-denied}"
</Location>
"""


@pytest.fixture(scope="module")
def server(module):
    with small(module, TEXT) as httpd:
        yield httpd


def told(server, path, *headers, method="OPTIONS"):
    """What the error log says of one request, in its own words, and the access log."""
    lines, errors = len(server.log("denied.log").splitlines()), len(server.log())
    server.request(method, path, *headers)
    while len(server.log("denied.log").splitlines()) == lines:
        server.wait_log(path, "denied.log")
    found = re.findall(r"crossgate ((?:denied|shadow).*)", server.log()[errors:])
    return found, server.log("denied.log").splitlines()[lines].split(" ", 1)[1]


def names(value):
    return ("Access-Control-Request-Headers", value)


@pytest.mark.parametrize(
    ("headers", "reason", "name"),
    [
        ((A, ("Access-Control-Request-Method", "PATCH")), "method_not_allowed", "PATCH"),
        ((A, ("Access-Control-Request-Method", "put")), "method_case", "put"),
        ((A, PUT, names("x-token,baggage,sentry-trace")), "header_not_allowed", "baggage"),
        ((A, PUT, names("x-token, a b=c")), "header_list_malformed", r"a\x20b\x3dc"),
        ((A, PUT, names("x" * 5000)), "header_list_too_long", None),
        ((EVIL, PUT), "origin_not_listed", None),
    ],
)
def test_a_denied_preflight(server, headers, reason, name):
    lines, access = told(server, "/x", *headers)
    # Both logs double backslashes.
    shown = name.replace("\\", "\\\\") if name else None
    denied = f" denied_name={shown}" if name else ""
    assert lines == [
        f"denied: kind=preflight reason={reason} action=answer{denied} origin={headers[0][1]}"
    ]
    assert access == f"reason={reason} denied={shown or '-'};"


def test_other_requests(server):
    for method, headers in (("OPTIONS", (A, PUT)), ("GET", (A,)), ("GET", ())):
        lines, access = told(server, "/x", *headers, method=method)
        assert lines == []
        assert access.endswith("denied=-;")
    lines, access = told(server, "/x", EVIL, method="GET")
    line = "denied: kind=actual reason=origin_not_listed action=forward origin=https://evil.example"
    assert (lines, access) == ([line], "reason=origin_not_listed denied=-;")


FORGED = [
    "https://a.example reason=allowed",
    'https://a.example" [client 10.0.0.1:1] AH00000: "',
    "https://a.example, referer: http://x",
    "%{crossgate-reason}n crossgate denied: kind=x \\x0a",
    "x" * 3000,
]


@pytest.mark.parametrize("path", ["/x", "/shadow"])
@pytest.mark.parametrize("forged", FORGED)
def test_no_field_can_be_forged(server, path, forged):
    requests = (
        (("Origin", forged), PUT),
        (A, ("Access-Control-Request-Method", forged)),
        (A, PUT, names(forged)),
        (("Origin", forged), ("Access-Control-Request-Method", forged), names(forged)),
    )
    for headers in requests:
        for method in ("OPTIONS", "GET"):
            for line in told(server, path, *headers, method=method)[0]:
                fields = [field.split("=", 1) for field in line.split(": ", 1)[1].split(" ")]
                keys = [field[0] for field in fields if field[0] != "denied_name"]
                expected = ["kind", "reason", "action", "origin"]
                if line.startswith("shadow"):
                    expected += ["shadow_reason", "shadow_action"]
                assert keys == expected, line
                assert not any(set(value) & set("\"'= ") for _, value in fields), line


def test_a_log_that_is_not_read_costs_nothing(module):
    with small(module, "CrossgatePolicy policies/api.json\nLogLevel crossgate:notice\n") as httpd:
        assert httpd.request("OPTIONS", "/x", EVIL, PUT).status == 403
        assert "crossgate denied" not in httpd.log()


def test_the_first_overwritten_response_is_told(module):
    text = """
CrossgatePolicy policies/api.json
Header always set Access-Control-Allow-Origin "*"
"""
    with small(module, text) as httpd:
        # Each on the same connection, so in the same process.
        with Connection(httpd.port) as connection:
            for path in ("/fonts/a%22b%0a.woff2", "/other", "/third"):
                connection.request("GET", path, ())
        httpd.wait_log("replaced CORS headers")
        lines = [line for line in httpd.log().splitlines() if "replaced CORS headers" in line]
    assert len(lines) == 1, lines
    assert "[crossgate:warn]" in lines[0]
    said = r"of the response to /fonts/a\"b\n.woff2, which said Access-Control-Allow-Origin: *"
    assert lines[0].replace("\\\\", "\\").endswith(said), lines[0]
