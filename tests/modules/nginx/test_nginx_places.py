"""Which policy a place has, and what it does there."""

import re
import shutil
import subprocess

import pytest
from nginx_harness import wait_until
from nginx_site import ANSWERED, EVIL, GRANTED, PREFLIGHT_VARY, PUT, A


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
    told = r".*\[(warn|info)\].* crossgate: .*|.* crossgate: the upstream sent status .*"
    errors = re.sub(told, "", site.nginx.errors)
    assert not re.search(r"\[(alert|crit|emerg)\]|exited on signal|crossgate:", errors)
