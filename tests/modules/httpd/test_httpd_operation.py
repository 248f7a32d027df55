"""Configuration that is wrong, and restarts."""

import json
import re
import signal
import threading
import time

import pytest
from httpd_server import Connection
from httpd_site import API, PUT, A, small


def test_configtest_names_every_problem(module):
    httpd = small(module, "CrossgatePolicy policies/bad.json\n")
    httpd.file(
        "policies/bad.json",
        '{"allow_origins": ["https://a.example/", "https://b.example:443x"], "max_age": -1, '
        '"surprise": 1}',
    )
    found = httpd.configtest()
    output = found.stdout + found.stderr
    assert found.returncode != 0
    for text in (
        "policies/bad.json",
        "allow_origins[0]",
        "origin_has_path",
        "https://a.example",
        "allow_origins[1]",
        "max_age",
        "surprise",
    ):
        assert text in output, output
    assert "httpd.conf" in output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CrossgatePolicy policies/missing.json", "missing.json"),
        ("CrossgatePolicy policies/api.yaml", "api.yaml"),
        ("CrossgateShadow policies/missing.json", "CrossgateShadow"),
        ("CrossgateVerdict allow", "expr=EXPRESSION or env=VARIABLE"),
        ('CrossgateVerdict "expr=%{HTTP:Origin} =="', "syntax error"),
        ("Crossgate Maybe", "On or Off"),
    ],
)
def test_configtest_refuses(module, text, expected):
    found = small(module, text + "\n").configtest()
    assert found.returncode != 0
    assert expected in found.stdout + found.stderr


def test_configtest_prints_warnings_and_passes(module):
    httpd = small(
        module, "CrossgatePolicy policies/warns.json\nCrossgateShadow policies/warns.json\n"
    )
    httpd.file("policies/warns.json", '{"allow_origins": ["HTTPS://A.example"]}')
    found = httpd.configtest()
    assert found.returncode == 0, found.stderr
    assert "warning" in found.stderr
    # A file that is named twice is built once.
    assert found.stderr.count("allow_origins[0]") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CrossgatePolicy policies/host.json\nCrossgateVerdict env=X", None),
        (
            "CrossgateVerdict env=X\nCrossgatePolicy policies/api.json\nCrossgateShadow "
            "policies/host.json",
            None,
        ),
        (
            "CrossgateVerdict env=X\n<Location />\nCrossgatePolicy policies/host.json\n</Location>",
            None,
        ),
        ("CrossgateVerdict env=X", "no policy has origin_predicate"),
        (
            "CrossgatePolicy policies/api.json\n<Location />\nCrossgateVerdict env=X\n</Location>",
            "no policy has",
        ),
        (
            "<Location /a>\nCrossgateVerdict env=X\nCrossgatePolicy policies/api.json\n"
            "</Location>\n"
            "<Location /b>\nCrossgatePolicy policies/host.json\n</Location>",
            "the policy of its section has no origin_predicate",
        ),
    ],
)
def test_configtest_warns_of_a_verdict_that_nobody_asks_for(module, text, expected):
    httpd = small(module, text + "\n")
    found = httpd.configtest()
    assert found.returncode == 0, found.stderr
    warned = re.findall(r"CrossgateVerdict at (\S+?):(\d+) is never asked: (.*)", found.stderr)
    if expected is None:
        assert warned == []
        return
    [(file, line, why)] = warned
    assert expected in why
    assert "CrossgateVerdict env=X" in (httpd.root / file).read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_graceful_restarts_under_load_lose_nothing(module, mpm):
    text = (
        '<Directory "{root}/htdocs">\nRequire all granted\n</Directory>\nCrossgatePolicy '
        "policies/live.json\n"
    )
    httpd = small(module, text, mpm)
    live = httpd.file("policies/live.json", json.dumps(API))
    stop, wrong, counts = threading.Event(), [], []

    def load():
        count = 0
        while not stop.is_set() or count == 0:
            try:
                with Connection(httpd.port) as connection:
                    preflight = connection.request(
                        "OPTIONS", "/api/a.txt", [A, PUT, ("Connection", "close")]
                    )
                with Connection(httpd.port) as connection:
                    actual = connection.request("GET", "/api/a.txt", [A, ("Connection", "close")])
                assert preflight.status == 204
                assert actual.cors["access-control-allow-origin"] == "https://a.example"
                count += 2
            except (AssertionError, OSError, KeyError) as error:
                wrong.append(repr(error))
        counts.append(count)

    with httpd:
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for max_age in (1, 2, 3):
            live.write_text(json.dumps(API | {"max_age": max_age}))
            httpd.process.send_signal(signal.SIGUSR1)
            deadline = time.monotonic() + 120
            # Old children finish what they have: until none of them answers.
            seen, until = 0, time.monotonic() + 0.5
            while seen < 10 or time.monotonic() < until:
                answer = httpd.request("OPTIONS", "/api/a.txt", A, PUT)
                seen = seen + 1 if answer.cors["access-control-max-age"] == str(max_age) else 0
                assert time.monotonic() < deadline, "the new policy is not served"
        stop.set()
        for thread in threads:
            thread.join()
        assert httpd.process.poll() is None
    assert wrong == []
    assert len(counts) == 4
    assert all(counts)
