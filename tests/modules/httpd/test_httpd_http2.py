"""HTTP/2."""

import shutil

import pytest
from httpd_site import ACTUAL, DENIED, EVIL, PREFLIGHT, A

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
