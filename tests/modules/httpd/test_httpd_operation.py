"""Configuration that is wrong, and restarts."""

import json
import os
import re
import signal
import threading
import time

import pytest
from httpd_server import ROOT, Connection
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
    lines = [line for line in output.splitlines() if "crossgate: " in line]
    assert sorted(
        line.split(f"crossgate: {httpd.root}/policies/bad.json: ")[1].split(": ")[0]
        for line in lines
    ) == [
        "error max_age_invalid at max_age",
        "error origin_bad_port at allow_origins[1]",
        "error origin_has_path at allow_origins[0]",
        "error unknown_option at surprise",
    ], output
    assert '(found "https://a.example/"); write: https://a.example' in output
    # None of them is broken by httpd's escaping of ends of lines.
    assert "\\n" not in output
    assert f"CrossgatePolicy: {httpd.root}/policies/bad.json has 4 errors, see above" in output
    assert "httpd.conf" in output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CrossgatePolicy policies/missing.json", "missing.json"),
        ("CrossgatePolicy policies/api.yaml", "api.yaml"),
        ("CrossgateShadow policies/missing.json", "CrossgateShadow"),
        ("CrossgatePolicy Off", 'to have none here, write "Crossgate Off"'),
        (
            "CrossgatePolicy policies/%{HTTP:Host}.json",
            "the name of a policy file has no",
        ),
        ("CrossgateWebSocket Maybe", "takes On, Public or Off"),
        ("<CrossgatePolicy x>\n</CrossgatePolicy>", "takes no argument"),
        ("<CrossgatePolicy>\nallow_origins = []", "has no </CrossgatePolicy>"),
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


def test_a_file_that_cannot_be_read_is_named_once(module):
    for name in ("missing.json", "api.yaml"):
        found = small(module, f"CrossgatePolicy policies/{name}\n").configtest()
        (line,) = (line for line in found.stderr.splitlines() if name in line)
        assert line.count(name) == 1
        assert line.startswith("CrossgatePolicy: cannot read the policy file ")


@pytest.mark.parametrize("directive", ["CrossgatePolicy", "CrossgateShadow"])
@pytest.mark.parametrize("kind", ["directory", "pipe", "device", "large"])
def test_only_a_regular_file_of_a_bounded_size_is_read(module, directive, kind):
    """And configtest does not wait for what is none."""
    httpd = small(module, f"{directive} policies/{kind}.json\n")
    path = httpd.root / f"policies/{kind}.json"
    code = "document_not_a_file"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        code = "document_too_large"
        with path.open("wb") as file:
            file.truncate(2 << 30)
    found = httpd.configtest()
    assert found.returncode != 0
    assert f"crossgate: {path}: error {code}" in found.stderr


def test_of_very_many_problems_the_last_are_counted(module):
    """Errors and warnings."""
    for origin, ok in (("https://{}.example/", False), ("https://A{}.example", True)):
        httpd = small(module, "CrossgatePolicy policies/many.json\n")
        policy = {"allow_origins": [origin.format(number) for number in range(1_500)]}
        httpd.file("policies/many.json", json.dumps(policy))
        found = httpd.configtest()
        assert (found.returncode == 0) == ok
        lines = [line for line in found.stderr.splitlines() if "crossgate: " in line]
        assert len(lines) == 1_001
        assert lines[-1].endswith(f"crossgate: {httpd.root}/policies/many.json: and 500 more")


NOTED = {"allow_origins": ["https://a.example"], "allow_methods": ["OPTIONS"], "max_age": 80000}


def test_notes_are_not_logged(module):
    httpd = small(module, "LogLevel debug\nCrossgatePolicy policies/noted.json\n")
    httpd.file("policies/noted.json", json.dumps(NOTED))
    assert httpd.configtest().returncode == 0
    with httpd:
        assert "max_age_capped" not in httpd.log()
    bad = small(module, "LogLevel debug\nCrossgatePolicy policies/noted.json\n")
    bad.file("policies/noted.json", json.dumps(NOTED | {"preflight_status": 500}))
    output = bad.configtest().stderr
    assert "preflight_status_not_ok" in output
    assert "max_age_capped" not in output


DIRECTIVES = {
    "CrossgatePolicy": "CrossgatePolicy policies/any.json",
    "<CrossgatePolicy": "<CrossgatePolicy>\nallow_origins = '*'\n</CrossgatePolicy>",
    "Crossgate": "Crossgate Off",
    "CrossgateShadow": "CrossgateShadow policies/any.json",
    "<CrossgateShadow": "<CrossgateShadow>\nallow_origins = '*'\n</CrossgateShadow>",
    "CrossgateVerdict": "CrossgateVerdict env=X",
    "CrossgateWebSocket": "CrossgateWebSocket On",
}


def test_every_directive_is_tried():
    source = (ROOT / "ffi/servers/httpd/cors_conf.c").read_text()
    assert set(re.findall(r'AP_INIT_\w+\("(<?\w+)"', source)) == set(DIRECTIVES)


@pytest.mark.parametrize("directive", DIRECTIVES)
@pytest.mark.parametrize("methods", ["Limit PUT DELETE", "LimitExcept GET"])
@pytest.mark.parametrize("place", ["Location /api", "Directory {root}/htdocs/api", "If true"])
def test_no_directive_may_stand_in_limit(module, directive, methods, place):
    """It would hold for every method, and open more than it says."""
    limit, outer = methods.split()[0], place.split()[0]
    inner = f"<{methods}>\n{DIRECTIVES[directive]}\n</{limit}>"
    found = small(module, f"<{place}>\n{inner}\n</{outer}>\n").configtest()
    assert found.returncode != 0
    name = directive.removeprefix("<")
    assert f"{name} cannot occur within <Limit> or <LimitExcept> section" in found.stderr
    # Without <Limit> it is right.
    assert (
        small(module, f"<{place}>\n{DIRECTIVES[directive]}\n</{outer}>\n").configtest().returncode
        == 0
    )


@pytest.mark.parametrize("directive", DIRECTIVES)
def test_nor_in_that_of_htaccess(server, directive):
    path = server.file("htdocs/ht/.htaccess", f"<Limit PUT>\n{DIRECTIVES[directive]}\n</Limit>\n")
    before = server.log().count("cannot occur within <Limit>")
    assert server.request("GET", "/ht/a.txt", A).status == 500
    assert server.log().count("cannot occur within <Limit>") > before
    path.unlink()


WRITTEN = {
    "section": """<CrossgatePolicy>
    # JSON or TOML
    allow_origins = ["https://a.example"]
    allow_origin_regexes = ['https://[a-z]+\\.b\\.example']
    allow_credentials = true
</CrossgatePolicy>""",
    "JSON": """<CrossgatePolicy>
    {
        "allow_origins": ["https://a.example"],
        "allow_origin_regexes": ["https://[a-z]+\\\\.b\\\\.example"],
        "allow_credentials": true
    }
</CrossgatePolicy>""",
    "string": """CrossgatePolicy '{"allow_origins": ["https://a.example"], \\
    "allow_origin_regexes": ["https://[a-z]+[.]b[.]example"], "allow_credentials": true}'""",
}


@pytest.mark.parametrize("form", ["section", "JSON", "string"])
def test_a_policy_in_the_configuration(server, module, form):
    text = WRITTEN[form]
    granted = {"access-control-allow-credentials": "true", "vary": "Origin"}

    def works(ask):
        for origin in (A, ("Origin", "https://x.b.example")):
            assert ask(origin).cors == granted | {"access-control-allow-origin": origin[1]}
        assert ask(("Origin", "https://xyb.example")).cors == {"vary": "Origin"}

    inner = f"<Location /inner>\n<If true>\n{text}\n</If>\n</Location>\n"
    with small(module, f"{text}\n{inner}CrossgateShadow 'allow_origins = \"*\"'\n") as httpd:
        works(lambda origin: httpd.request("GET", "/x", origin))
        works(lambda origin: httpd.request("GET", "/inner", origin))
        httpd.wait_log("crossgate shadow differs")
    path = server.file("htdocs/ht/.htaccess", f"{text}\n")
    works(lambda origin: server.request("GET", "/ht/a.txt", origin))
    path.unlink()


def test_a_policy_in_the_configuration_that_is_wrong(module):
    """The same checks, with the line on which the policy begins."""
    text = """# a line
<Location />
<CrossgatePolicy>
    allow_origins = ["https://a.example/"]
    max_ages = 1
</CrossgatePolicy>
</Location>
"""
    httpd = small(module, text)
    found = httpd.configtest()
    lines = (httpd.root / "httpd.conf").read_text().splitlines()
    place = f"{httpd.root}/httpd.conf:{lines.index('<CrossgatePolicy>') + 1}"
    assert found.returncode != 0
    assert f"crossgate: {place}: error origin_has_path at allow_origins[0]: " in found.stderr
    assert f"crossgate: {place}: error unknown_option at max_ages: " in found.stderr
    assert f"CrossgatePolicy: {place} has 2 errors, see above" in found.stderr


def test_configtest_warns_of_a_websocket_check_without_a_policy(module):
    text = "CrossgateWebSocket On\n"
    warned = small(module, text).configtest()
    assert warned.returncode == 0
    assert re.search(r"CrossgateWebSocket at \S+:\d+ checks nothing", warned.stderr)
    for other in (text + "CrossgatePolicy policies/api.json\n", "CrossgateWebSocket Off\n"):
        assert "checks nothing" not in small(module, other).configtest().stderr


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
