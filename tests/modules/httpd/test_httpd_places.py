"""Which policy a place has, and what it says of a request."""

import re

from httpd_site import ACTUAL, DENIED, EVIL, PREFLIGHT, PUT, A, small


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


def test_if_holds_for_the_method_of_the_preflight_itself(module):
    text = """
<Location />
    <If "%{REQUEST_METHOD} == 'PUT'">
        CrossgatePolicy policies/api.json
    </If>
</Location>
"""
    with small(module, text) as httpd:
        assert httpd.request("PUT", "/x", A).cors == ACTUAL
        assert httpd.request("GET", "/x", A).cors == {}
        assert httpd.request("OPTIONS", "/x", A, PUT).cors == {}


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
    """The expression reads a file that does not exist, which httpd logs: that shows who was asked
    about.
    """
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
        "crossgate shadow differs: kind=actual reason=allowed action=forward "
        "origin=https://a.example shadow_reason=origin_not_listed shadow_action=forward"
    )
    lines = re.findall(r".*shadow differs.*", server.log())
    assert all("[crossgate:info]" in line for line in lines)
    # The same answer is no difference; nor is the shadow inherited by a section with a policy of
    # its own.
    server.request("GET", "/up/shadow/x", EVIL)
    server.request("GET", "/up/shadow/inner/x", A)
    assert server.request("OPTIONS", "/up/shadow/x", A, PUT).cors == PREFLIGHT
    server.wait_log("crossgate shadow differs: kind=preflight")
    assert len(re.findall("shadow differs", server.log())) == len(lines) + 1
