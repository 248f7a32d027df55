"""What goes to the client around the filters of a request: interim responses of an upstream, and
the whole response of nph- scripts.
"""

import re
import shutil

import pytest
from httpd_server import Connection
from httpd_site import ACTUAL, DENIED, EVIL, PREFLIGHT, PUT, A

CURL = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


@pytest.mark.parametrize("statuses", [[103], [102], [199], [103, 102, 103]])
@pytest.mark.parametrize(("origin", "expected"), [(A, ACTUAL), (EVIL, DENIED), (None, DENIED)])
def test_an_interim_response_of_an_upstream_loses_its_cors_headers(
    server, statuses, origin, expected
):
    headers = [origin] if origin else []
    path = "/up/" + "".join(f"hints-{status}/" for status in statuses)
    with Connection(server.port) as connection:
        for own in (f"{path}own", path):
            connection.interim.clear()
            answer = connection.request("GET", own, headers)
            assert answer.status == 200
            assert [found.status for found in connection.interim] == statuses
            for found in connection.interim:
                assert [name for name, _ in found.headers if name.startswith("access-")] == []
                # The rest is left as it is.
                assert found.get("link") == "</a.css>; rel=preload"
                assert bool(found.all("vary")) == (own != path)
            assert answer.cors.get("access-control-allow-origin") == expected.get(
                "access-control-allow-origin"
            )
        # The connection goes on.
        assert connection.request("GET", "/api/a.txt", [A]).cors == ACTUAL
        assert connection.request("GET", "/plain/target.txt", [A]).cors == {}


def test_an_interim_response_without_a_policy_is_left_to_httpd(server):
    with Connection(server.port) as connection:
        connection.request("GET", "/up/no-policy/hints-103/own", [EVIL])
        assert connection.interim[0].get("access-control-allow-origin") == "*"


@CURL
def test_an_interim_response_over_http2(server):
    url = f"http://127.0.0.1:{server.port}/up/hints-103/own"
    version, answer = server.curl("--http2-prior-knowledge", "-H", ": ".join(EVIL), url)
    assert version == "HTTP/2"
    heads = [answer]
    body = answer.body
    while body.startswith(b"HTTP/2"):
        head, _, body = body.partition(b"\r\n\r\n")
        heads.append(head)
    assert b"access-control" not in (str(heads[0].headers).lower() + str(heads[1:])).encode()
    assert body == b"upstream"


def ask(server, name, *headers):
    with Connection(server.port) as connection:
        connection.send("GET", f"/api/nph-{name}.cgi", headers)
        interim = []
        while (answer := connection.head()).status == 103:
            interim.append(answer)
        return answer._replace(body=connection.file.read()), interim


@pytest.mark.parametrize("name", ["whole", "pieces", "newlines", "hints"])
def test_a_script_that_writes_to_the_client_itself(server, name):
    for headers, expected in (([A], ACTUAL), ([EVIL], DENIED), ([], DENIED)):
        answer, interim = ask(server, name, *headers)
        assert (answer.status, answer.body) == (200, b"hello")
        assert answer.get("x-own") == "yes"
        vary = [name.strip() for name in answer.cors["vary"].split(",")]
        assert vary == ["Accept", "Cookie", "Origin"]
        assert answer.cors | {"vary": "Origin"} == expected
        assert [found.headers for found in interim] == (
            [[("link", "</a.css>")]] if name == "hints" else []
        )


def test_its_preflights_are_answered_before_it_runs(server):
    answer = server.request("OPTIONS", "/api/nph-whole.cgi", A, PUT)
    assert (answer.status, answer.cors) == (204, PREFLIGHT)


def test_what_has_no_head_has_no_headers_to_read(server):
    with Connection(server.port) as connection:
        connection.send("GET", "/api/nph-no-head.cgi", [EVIL])
        assert connection.file.read() == b"Access-Control-Allow-Origin: *\r\n\r\nhello"


@pytest.mark.parametrize("name", ["half", "long"])
def test_a_head_that_is_not_whole_is_not_sent(server, name):
    with Connection(server.port) as connection:
        connection.send("GET", f"/api/nph-{name}.cgi", [EVIL])
        assert connection.file.read() == b""
    assert server.request("GET", "/api/a.txt", A).cors == ACTUAL


def test_the_overwritten_origin_is_in_the_log(server):
    ask(server, "whole", EVIL)
    server.wait_log("/api/nph-whole.cgi origin_not_listed *\n", "access.log")
    assert re.search(r"GET /api/nph-whole.cgi origin_not_listed \*\n", server.log("access.log"))
