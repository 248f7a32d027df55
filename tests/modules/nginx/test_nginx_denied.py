"""Every denial can be seen, with the method or header name at fault, and nothing that a request
sends can pass for something else in a log.
"""

import re

import pytest
from nginx_harness import Connection, Nginx, free_ports, wait_until
from nginx_site import EVIL, MAIN, PUT, A

GET = ("Access-Control-Request-Method", "GET")
LOG = "log_format denied '$request_uri reason=$crossgate_reason denied=$crossgate_denied;';"


@pytest.fixture(scope="module")
def server(module, tmp_path_factory):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path_factory.mktemp("denied"), module)
    nginx.write("main.json", MAIN)
    nginx.write(
        "echo.json",
        {"allow_origins": ["https://a.example"], "allow_headers": "*", "allow_methods": "*"}
        | {"allow_credentials": True},
    )
    nginx.write("static.json", {"allow_origins": ["https://a.example"], "single_origin": "static"})
    nginx.configure(
        f"""{LOG} access_log logs/access.log denied;
        server {{
            listen 127.0.0.1:{port};
            crossgate_policy main.json;
            crossgate_shadow echo.json;
            location / {{ crossgate_shadow off; return 200; }}
            location /shadow {{ return 200; }}
            location /echo {{ crossgate_policy echo.json; crossgate_shadow main.json; return 200; }}
            location /static {{ crossgate_policy static.json; crossgate_shadow off; return 200; }}
            location /shown {{ crossgate_shadow off; return 200;
                add_header X-Cors-Reason $crossgate_reason always;
                add_header X-Cors-Denied $crossgate_denied always; }}
        }}"""
    )
    nginx.port = port
    with nginx.running(port):
        yield nginx


def told(server, path, *headers, method="OPTIONS"):
    """What the error log says of one request, in its own words, and the access log."""
    access = server.prefix / "logs/access.log"
    errors, lines = len(server.errors), len(access.read_text().splitlines())
    with Connection(server.port) as connection:
        connection.ask(method, path, *headers)
    wait_until(lambda: len(access.read_text().splitlines()) > lines, "the line of the access log")
    found = re.findall(r"crossgate: (.*), client: 127", server.errors[errors:])
    return found, access.read_text().splitlines()[lines].split(" ", 1)[1]


def names(value):
    return ("Access-Control-Request-Headers", value)


@pytest.mark.parametrize(
    ("headers", "reason", "name"),
    [
        ((A, ("Access-Control-Request-Method", "PATCH")), "method_not_allowed", "PATCH"),
        ((A, ("Access-Control-Request-Method", "put")), "method_case", "put"),
        ((A, PUT, PUT), "method_not_allowed", "PUT,..."),
        ((A, PUT, names("x-token,baggage,sentry-trace")), "header_not_allowed", "baggage"),
        ((A, PUT, names("x-token"), names("Baggage")), "header_not_allowed", "Baggage"),
        ((A, PUT, names("x-token, a b=c")), "header_list_malformed", r"a\x20b\x3dc"),
        ((A, PUT, names("x" * 5000)), "header_list_too_long", None),
        ((EVIL, PUT), "origin_not_listed", None),
    ],
)
def test_a_denied_preflight(server, headers, reason, name):
    lines, access = told(server, "/", *headers)
    denied = f" denied_name={name}" if name else ""
    assert lines == [
        f"denied: kind=preflight reason={reason} action=answer{denied} origin={headers[0][1]}"
    ]
    # The access log escapes backslashes once more.
    shown = name.replace("\\", "\\x5C") if name else "-"
    assert access == f"reason={reason} denied={shown};"


def test_other_requests(server):
    for method, headers in (("OPTIONS", (A, PUT)), ("GET", (A,)), ("GET", ()), ("GET", (A,))):
        lines, access = told(server, "/", *headers, method=method)
        assert lines == []
        assert access.endswith("denied=-;")
    lines, access = told(server, "/", EVIL, method="GET")
    line = "denied: kind=actual reason=origin_not_listed action=forward origin=https://evil.example"
    assert (lines, access) == ([line], "reason=origin_not_listed denied=-;")
    # Under a static policy everybody gets the same headers; only this tells.
    assert "reason=origin_not_listed" in told(server, "/static", EVIL, method="GET")[0][0]


def test_a_response_may_show_it(server):
    with Connection(server.port) as connection:
        answer = connection.ask("GET", "/shown", EVIL)
        assert answer.one("x-cors-reason") == "origin_not_listed"
        assert connection.ask("GET", "/shown", A).one("x-cors-reason") == "allowed"


FORGED = [
    "https://a.example reason=allowed",
    'https://a.example", client: 10.0.0.1, request: "GET /admin',
    "https://a.example\x1b[2J\x7f\xff\\",
    "https://a.example, client: 10.0.0.1",
    "$http_host %00 %0a crossgate: denied: kind=x",
    "x" * 3000,
]


@pytest.mark.parametrize("path", ["/", "/shadow", "/echo"])
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
            lines, _ = told(server, path, *headers, method=method)
            for line in lines:
                assert all(" " <= c <= "~" for c in line)
                if not line.startswith("denied: "):
                    # The shadow: its own words and, quoted, headers without quotes in them.
                    assert line.count('"') in (0, 4), line
                    continue
                fields = [field.split("=", 1) for field in line.removeprefix("denied: ").split(" ")]
                keys = [field[0] for field in fields]
                assert keys in (
                    ["kind", "reason", "action", "origin"],
                    ["kind", "reason", "action", "denied_name", "origin"],
                ), line
                assert not any(set(value) & set("\"'= ") for _, value in fields), line


def test_a_log_that_is_not_read_costs_nothing(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    nginx.write("main.json", MAIN)
    nginx.configure(
        f"server {{ listen 127.0.0.1:{port}; crossgate_policy main.json; }}", level="notice"
    )
    with nginx.running(port), Connection(port) as connection:
        assert connection.ask("OPTIONS", "/", EVIL, PUT).status == 403
    assert "denied" not in nginx.errors


def test_the_first_overwritten_response_is_told(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    nginx.write("main.json", MAIN)
    nginx.configure(
        f"""server {{
            listen 127.0.0.1:{port};
            crossgate_policy main.json;
            location / {{ add_header Access-Control-Allow-Origin '"*\\x'; return 200; }}
        }}""",
        level="warn",
    )
    with nginx.running(port), Connection(port) as connection:
        for path in ("/fonts/a.woff2", "/other", "/third"):
            connection.ask("GET", path)
        wait_until(lambda: "replaced CORS headers" in nginx.errors, "the warning")
        connection.ask("GET", "/fourth")
    found = re.findall(r"\[warn\] .*crossgate: (.*), client: .*request: \"(.*?)\"", nginx.errors)
    said = r'which said "Access-Control-Allow-Origin: \"*\\x"'
    assert found == [
        (f"replaced CORS headers of the response, {said}", "GET /fonts/a.woff2 HTTP/1.1")
    ]
