"""Directives, and policies that are wrong."""

import os
import re
import subprocess

import pytest
from nginx_harness import Connection, Nginx, free_ports
from nginx_site import ANSWERED, EVIL, GRANTED, MAIN, POLICIES, PREFLIGHT_VARY, PUT, A, configured


def test_a_bad_policy_shows_every_problem(module, tmp_path):
    bad = {
        "allow_origins": ["https://a.example/", "*.b.example"],
        "allow_credentials": "yes",
        "max_ages": 5,
    }
    nginx = configured(module, tmp_path, "crossgate_policy bad.json;", bad_json=bad)
    checked = nginx.check()
    assert checked.returncode == 1
    problems = [line for line in checked.stderr.splitlines() if "crossgate" in line]
    assert sorted(re.search(r'json": (\w+ at \S+): ', line)[1] for line in problems) == [
        "option_type at allow_credentials",
        "origin_has_path at allow_origins[0]",
        "origin_missing_scheme at allow_origins[1]",
        "pattern_unsupported at allow_origins[1]",
        "unknown_option at max_ages",
    ]
    first = next(line for line in problems if "allow_origins[0]" in line)
    assert first.startswith("nginx: [emerg] ")
    assert f'"{tmp_path}/bad.json": origin_has_path' in first
    assert "write: https://a.example in " in first
    assert f"in {tmp_path}/nginx.conf:" in first
    assert "syntax is ok" not in checked.stderr


def test_warnings_are_shown_and_do_not_matter(module, tmp_path):
    warned = {"allow_origins": ["https://A.example"]}
    checked = configured(module, tmp_path, "crossgate_policy w.json;", w_json=warned).check()
    assert checked.returncode == 0
    assert re.search(r"\[warn\].*w\.json.* at allow_origins\[0\]: ", checked.stderr)
    # Once, though two places use it.
    twice = "crossgate_policy w.json; location / { crossgate_policy w.json; }"
    again = configured(module, tmp_path, twice, w_json=warned).check()
    assert again.stderr.count("[warn]") == 1


def test_a_verdict_that_nobody_asks_for(module, tmp_path):
    """Only where no policy has origin_predicate: one that holds for several policies is asked by
    those that have.
    """

    def warnings(inner):
        checked = configured(module, tmp_path, inner, host_json={"origin_predicate": True}).check()
        assert checked.returncode == 0, checked.stderr
        return re.findall(r"\[warn\] .*never asked.*origin_predicate.* in (.*)", checked.stderr)

    lines = (
        "crossgate_policy good.json;\nlocation /a { crossgate_policy host.json; }\n"
        "crossgate_verdict $host;\n",
        "location /a {\ncrossgate_verdict $host;\ncrossgate_policy host.json; }",
        "crossgate_verdict $host; crossgate_policy good.json; crossgate_shadow host.json;",
        "crossgate_policy good.json; location /a { crossgate_verdict $host; if ($arg_x) { "
        "return 204; } "
        "location /a/b { crossgate_policy host.json; } }",
    )
    for inner in lines:
        assert warnings(inner) == [], inner
    place = f"{tmp_path}/nginx.conf"
    first = next(
        number
        for number, line in enumerate((tmp_path / "nginx.conf").read_text().splitlines(), 1)
        if "listen" in line
    )
    assert warnings("\ncrossgate_policy good.json;\ncrossgate_verdict $host;") == [
        f"{place}:{first + 2}"
    ]
    assert warnings("crossgate_verdict $host;") == [f"{place}:{first}"]
    twice = (
        "crossgate_policy host.json; location /a { crossgate_policy good.json;\n"
        "crossgate_verdict $host; }\n"
        "location /b { crossgate_verdict $uri; }\nlocation /c { crossgate off; "
        "crossgate_verdict $uri; }"
    )
    assert warnings(twice) == [f"{place}:{first + 1}", f"{place}:{first + 3}"]


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (
            "crossgate_policy good.json; crossgate_policy good.json;",
            '"crossgate_policy" directive is duplicate',
        ),
        (
            "crossgate_shadow good.json; crossgate_shadow good.json;",
            '"crossgate_shadow" directive is duplicate',
        ),
        (
            "crossgate_shadow off; crossgate_shadow off;",
            '"crossgate_shadow" directive is duplicate',
        ),
        (
            "crossgate_verdict $host; crossgate_verdict $host;",
            '"crossgate_verdict" directive is duplicate',
        ),
        ("crossgate off; crossgate off;", '"crossgate" directive is duplicate'),
        ("crossgate off; crossgate_policy good.json;", 'contradicts "crossgate off"'),
        ("crossgate_policy good.json; crossgate off;", 'contradicts "crossgate_policy"'),
        ("crossgate on;", 'invalid value "on" in "crossgate"'),
        ("crossgate_policy none.json;", "none.json"),
        ("crossgate_policy good.txt;", "good.txt"),
        (
            "crossgate_policy off;",
            '"crossgate_policy" directive needs a policy: to have none here, write '
            '"crossgate off;"',
        ),
        (
            "crossgate_policy policies/$host.json;",
            '"crossgate_policy policies/$host.json": the name of a policy file has no variables: '
            "policies are read when nginx starts; for origins that differ by tenant write "
            '"crossgate_verdict" with a "map"',
        ),
        ("crossgate_shadow $host;", '"crossgate_shadow $host": the name of a policy file has no'),
        (
            "crossgate_websocket on; crossgate_websocket off;",
            '"crossgate_websocket" directive is duplicate',
        ),
        ("crossgate_websocket yes;", 'invalid value "yes" in "crossgate_websocket"'),
        ("crossgate_policy;", 'invalid number of arguments in "crossgate_policy"'),
        ("crossgate_verdict $no_such_variable;", 'unknown "no_such_variable" variable'),
        (
            "location / { if ($host) { crossgate_policy good.json; } }",
            "directive is not allowed here",
        ),
    ],
)
def test_wrong_directives(module, tmp_path, inner, message):
    checked = configured(module, tmp_path, inner).check()
    assert checked.returncode == 1
    assert message in checked.stderr
    assert "[emerg]" in checked.stderr


@pytest.mark.parametrize("name", ["none.json", "good.txt", "html"])
def test_a_file_that_cannot_be_read_is_named_once(module, tmp_path, name):
    checked = configured(module, tmp_path, f"crossgate_policy {name};").check()
    (line,) = (line for line in checked.stderr.splitlines() if "[emerg]" in line)
    assert line.count(f"{tmp_path}/{name}") == 1, line
    assert line.startswith("nginx: [emerg] crossgate: cannot read the policy file ")


def test_a_problem_without_a_value_shows_none(module, tmp_path):
    for text in ('{"allow_origins": [', "{}", '{"max_age": 5}'):
        checked = configured(module, tmp_path, "crossgate_policy bad.json;", bad_json=text).check()
        assert "[emerg]" in checked.stderr
        assert '(found "")' not in checked.stderr


def test_a_hint_is_shown_as_it_is_typed(module, tmp_path):
    bad = 'allow_origins = ["https://a.example"]\nallow_origin_regexes = ['
    bad += "'https://a.example\\.com']\nallow_credentials = true\n"
    checked = configured(module, tmp_path, "crossgate_policy bad.toml;", bad_toml=bad).check()
    assert r"write: https://a\.example\.com in " in checked.stderr, checked.stderr


NOTED = {"allow_origins": ["https://a.example"], "allow_methods": ["OPTIONS"], "max_age": 80000}


def test_notes_are_not_logged(module, tmp_path):
    """Neither by themselves nor beside an error."""
    nginx = configured(module, tmp_path, "crossgate_policy noted.json;", noted_json=NOTED)
    (port,) = free_ports(1)
    with_port = f"server {{ listen 127.0.0.1:{port}; crossgate_policy noted.json; }}"
    nginx.configure(with_port, level="debug")
    checked = nginx.check()
    assert checked.returncode == 0
    with nginx.running(port):
        pass
    for text in ("method_options_unneeded", "max_age_capped"):
        assert text not in checked.stderr + nginx.errors
    nginx.write("noted.json", NOTED | {"preflight_status": 500})
    checked = nginx.check()
    assert "preflight_status_not_ok" in checked.stderr
    assert "method_options_unneeded" not in checked.stderr


def test_a_websocket_check_without_a_policy(module, tmp_path):
    def warnings(inner):
        checked = configured(module, tmp_path, inner).check()
        assert checked.returncode == 0, checked.stderr
        return checked.stderr.count('"crossgate_websocket" checks nothing')

    assert warnings("crossgate_websocket on;") == 1
    assert warnings("crossgate_websocket on; crossgate off;") == 1
    assert warnings("crossgate_websocket off;") == 0
    assert warnings("crossgate_websocket on; crossgate_policy good.json;") == 0
    assert warnings("crossgate_websocket on; location / { crossgate_policy good.json; }") == 0
    assert warnings("crossgate_policy good.json; location / { crossgate_websocket public; }") == 0


JSON = """crossgate_policy '{
    "allow_origins": ["https://a.example"],
    "expose_headers": ["X-Total"],
    "allow_credentials": true
}';"""
TOML = """crossgate_policy '
    # The page.
    allow_origins = ["https://a.example"]
    expose_headers = ["X-Total"]
    allow_credentials = true
';"""
ONE_LINE = "crossgate_policy 'allow_origins = \"*\"';"


def test_a_policy_in_nginx_conf(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    shadow = 'crossgate_shadow \'{"allow_origins": "*"}\';'
    nginx.configure(
        f"server {{ listen 127.0.0.1:{port};\n{JSON}\n"
        f"location / {{ return 200; }}\nlocation /toml {{ {TOML} {shadow} return 200; }}\n"
        f"location /any {{ {ONE_LINE} return 200; }} }}"
    )
    shown = subprocess.run(
        [*nginx.command, "-T"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert JSON in shown
    assert TOML in shown
    with nginx.running(port), Connection(port) as connection:
        for path in ("/", "/toml"):
            assert connection.ask("GET", path, A).cors == GRANTED
            assert connection.ask("GET", path, EVIL).cors == {"vary": "Origin"}
        assert connection.ask("GET", "/any", EVIL).cors == {"access-control-allow-origin": "*"}
    assert "shadow policy differs" in nginx.errors


@pytest.mark.parametrize(
    ("policy", "line", "problems"),
    [
        (
            '\'{\n"allow_origins": ["https://a.example/"],\n"max_ages": 5\n}\'',
            0,
            ["origin_has_path at allow_origins[0]", "unknown_option at max_ages"],
        ),
        ("'\nallow_origins = [\"null\"]\n'", 0, ["origin_null at allow_origins[0]"]),
        ("\n\n'{\"allow_origins\": [] }'", 2, ["origins_empty at allow_origins"]),
        ("'{ \"allow_origins\": '", 0, ["document_invalid"]),
        ("'max_age = x'", 0, ["document_invalid"]),
    ],
)
def test_a_policy_in_nginx_conf_that_is_wrong(module, tmp_path, policy, line, problems):
    """The same checks, with the line on which the policy begins."""
    nginx = configured(module, tmp_path, f"\ncrossgate_policy {policy};")
    first = (tmp_path / "nginx.conf").read_text().splitlines()
    at = next(n for n, text in enumerate(first, 1) if text.startswith("crossgate_policy"))
    checked = nginx.check()
    assert checked.returncode == 1
    found = re.findall(rf'crossgate: "{tmp_path}/nginx.conf:(\d+)": (.*?): ', checked.stderr)
    expected = [(str(at + line), problem) for problem in problems]
    assert sorted(found) == sorted(expected), checked.stderr


def test_toml_and_absolute_paths(module, tmp_path):
    toml = 'allow_origins = ["https://a.example"]\n'
    inner = (
        f"crossgate_policy {tmp_path}/p.toml; location /x {{ crossgate_shadow p.toml; "
        f"crossgate off; }}"
    )
    checked = configured(module, tmp_path, inner, p_toml=toml).check()
    assert checked.returncode == 0, checked.stderr


def test_shadow(module, tmp_path):
    shadow = MAIN | {"allow_origins": ["https://new.example", "https://a.example"], "max_age": 601}
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    nginx.write("live.json", MAIN)
    nginx.write("shadow.json", shadow)
    http = f"""server {{
        listen 127.0.0.1:{port};
        crossgate_policy live.json;
        crossgate_shadow shadow.json;
        location / {{ return 200; }}
        location /none {{ crossgate_shadow off; }}
        location /off {{ crossgate off; }}
    }}"""
    nginx.configure(http)
    new = ("Origin", "https://new.example")

    def logged():
        return [line for line in nginx.errors.splitlines() if "shadow policy differs" in line]

    with nginx.running(port), Connection(port) as connection:
        for path in ("/none", "/off"):
            connection.ask("GET", path, new)
        assert connection.ask("GET", "/", A).cors == GRANTED
        assert logged() == []
        assert connection.ask("GET", "/", new).cors == {"vary": "Origin"}  # nothing changes
        assert len(logged()) == 1
        assert "[info]" in logged()[0]
        assert "forward allowed 0, not forward origin_not_listed 0" in logged()[0]
        assert connection.ask("OPTIONS", "/", A, PUT).cors == ANSWERED
        assert len(logged()) == 2
        assert '"Access-Control-Max-Age: 601", not "Access-Control-Max-Age: 600"' in logged()[1]
        assert connection.ask("OPTIONS", "/", new, PUT).status == 403
        assert "answer allowed 204, not answer origin_not_listed 403" in logged()[2]
    nginx.configure(http, level="notice")
    with nginx.running(port), Connection(port) as connection:
        connection.ask("GET", "/", new)
        assert len(logged()) == 3


def test_shadow_and_verdict(module, tmp_path):
    """The host is asked for whichever of the two policies wants to know; the shadow changes nothing
    all the same.
    """
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    nginx.write("main.json", MAIN)
    nginx.write("host.json", {"origin_predicate": True})
    nginx.write("hosts.json", {"origin_predicate": True, "expose_headers": ["X-Total"]})
    nginx.configure(f"""
        map $http_origin $verdict {{ default deny; https://tenant.example allow; }}
        log_format cors '$request_uri $crossgate_reason $crossgate_allowed';
        server {{
            listen 127.0.0.1:{port};
            access_log logs/access.log cors;
            crossgate_verdict $verdict;
            location /live {{ crossgate_policy host.json; crossgate_shadow main.json; return 200; }}
            location /shadow {{ crossgate_policy main.json; crossgate_shadow host.json; return 200;
                }}
            location /both {{ crossgate_policy host.json; crossgate_shadow hosts.json; return 200;
                }}
        }}
    """)
    tenant = ("Origin", "https://tenant.example")
    granted = {"access-control-allow-origin": "https://tenant.example", "vary": "Origin"}
    denied = {"vary": "Origin"}

    with nginx.running(port), Connection(port) as connection:

        def ask(path, *headers, method="GET"):
            before = nginx.errors.count("shadow policy differs")
            response = connection.ask(method, path, *headers)
            lines = [line for line in nginx.errors.splitlines() if "shadow policy differs" in line][
                before:
            ]
            return response.cors, [
                re.search(r"differs: (.*?), client: ", line)[1] for line in lines
            ]

        def vary_instead_of(origin):
            return f'"Vary: Origin", not "Access-Control-Allow-Origin: {origin}"'

        allowed, refused = "forward allowed 0", "forward origin_not_listed 0"
        instead = vary_instead_of("https://tenant.example")
        reverse = '"Access-Control-Allow-Origin: https://tenant.example", not "Vary: Origin"'
        assert ask("/live", tenant) == (granted, [f"{refused}, not {allowed}, {instead}"])
        assert ask("/shadow", tenant) == (denied, [f"{allowed}, not {refused}, {reverse}"])
        exposes = '"Access-Control-Expose-Headers: X-Total", not "Vary: Origin"'
        assert ask("/both", tenant) == (granted, [f"{allowed}, not {allowed}, {exposes}"])
        for path in ("/live", "/shadow", "/both"):
            assert ask(path, EVIL) == (denied, [])
        # Listed in one of them, denied by the host in the other.
        assert ask("/live", A)[0] == denied
        cors, lines = ask("/shadow", A)
        assert cors == GRANTED
        assert lines == [f"{refused}, not {allowed}, {vary_instead_of('https://a.example')}"]
        get = ("Access-Control-Request-Method", "GET")
        cors, (line,) = ask("/shadow", tenant, get, method="OPTIONS")
        assert cors == {"vary": PREFLIGHT_VARY}
        assert line.startswith("answer allowed 204, not answer origin_not_listed 403, ")
        cors, (line,) = ask("/live", tenant, get, method="OPTIONS")
        assert cors == granted | {"vary": PREFLIGHT_VARY}
        assert line.startswith("answer origin_not_listed 403, not answer allowed 204, ")
        # Nobody decides differently, nobody is told.
        assert ask("/both")[1] == []
    assert "verdict for a policy" not in nginx.errors
    lines = (tmp_path / "logs/access.log").read_text().splitlines()
    assert lines[:2] == ["/live allowed 1", "/shadow origin_not_listed 0"]


HTTP_LEVEL = """
    map $http_origin $verdict { default deny; https://tenant.example allow; }
    crossgate_policy main.json;
    crossgate_shadow shadow.json;
    crossgate_verdict $verdict;
    server {
        listen 127.0.0.1:%(inherits)d;
        location / { return 200; }
        location /off {
            crossgate off;
            location /off/inner { return 200; }
            location /off/on { crossgate_policy main.json; return 200; }
        }
        location /other { crossgate_policy other.json; location /other/inner { return 200;
            } return 200; }
        location /unwatched { crossgate_shadow off; location /unwatched/inner { return 200;
            } return 200; }
        location /watched { crossgate_shadow other.json; return 200; }
        location /host { crossgate_policy host.json; crossgate_shadow off; return 200; }
        location /host-none { crossgate_policy host.json; crossgate_shadow off;
            crossgate_verdict deny; return 200; }
    }
    server {
        listen 127.0.0.1:%(off)d;
        crossgate off;
        location / { return 200; }
        location /on { crossgate_policy main.json; return 200; }
    }
    server {
        listen 127.0.0.1:%(other)d;
        crossgate_policy other.json;
        crossgate_shadow off;
        location / { return 200; }
        location /main { crossgate_policy main.json; crossgate_shadow shadow.json; return 200; }
    }
"""


def test_directives_at_http_level(module, tmp_path):
    names = ("inherits", "off", "other")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    nginx = Nginx(tmp_path, module)
    for name in ("main", "other", "host"):
        nginx.write(f"{name}.json", POLICIES[name])
    nginx.write(
        "shadow.json", MAIN | {"allow_origins": ["https://new.example", "https://a.example"]}
    )
    nginx.configure(HTTP_LEVEL % ports)
    new, other, tenant = (
        ("Origin", f"https://{name}.example") for name in ("new", "other", "tenant")
    )
    others = {"access-control-allow-origin": "https://other.example", "vary": "Origin"}
    denied = {"vary": "Origin"}

    with nginx.running(ports["inherits"]):

        def ask(path, *headers, server="inherits", method="GET"):
            """The answer, and how many lines of the shadow."""
            before = nginx.errors.count("shadow policy differs")
            with Connection(ports[server]) as connection:
                response = connection.ask(method, path, *headers)
            return response.cors, nginx.errors.count("shadow policy differs") - before

        assert ask("/", A) == (GRANTED, 0)
        assert ask("/", new) == (denied, 1)
        assert ask("/", A, PUT, method="OPTIONS") == (ANSWERED, 0)
        assert ask("/none", A, method="POST") == (GRANTED, 0)
        for path in ("/off", "/off/inner"):
            for headers, method in (((A,), "GET"), ((new,), "GET"), ((A, PUT), "OPTIONS")):
                assert ask(path, *headers, method=method) == ({}, 0)
        assert ask("/off/on", new) == (denied, 1)
        for path in ("/other", "/other/inner"):
            assert ask(path, other) == (others, 1)
            assert ask(path, EVIL) == (denied, 0)
        for path in ("/unwatched", "/unwatched/inner"):
            assert ask(path, new) == (denied, 0)
        assert ask("/watched", new) == (denied, 0)
        assert ask("/watched", other) == (denied, 1)
        assert ask("/host", tenant) == (
            {"access-control-allow-origin": tenant[1], "vary": "Origin"},
            0,
        )
        assert ask("/host", new) == (denied, 0)
        assert ask("/host-none", tenant) == (denied, 0)
        assert ask("/", A, server="off") == ({}, 0)
        assert ask("/on", A, server="off") == (GRANTED, 0)
        assert ask("/on", new, server="off") == (denied, 1)
        assert ask("/", other, server="other") == (others, 0)
        assert ask("/", new, server="other") == (denied, 0)
        assert ask("/main", new, server="other") == (denied, 1)
    # A server may say the opposite of http.
    nginx.configure(
        f"crossgate off; server {{ listen 127.0.0.1:{ports['off']}; location / {{ return 200; }} }}"
        f"server {{ listen 127.0.0.1:{ports['other']}; crossgate_policy other.json; location / "
        f"{{ return 200; }} }}"
    )
    with nginx.running(ports["off"]):
        for server, cors in (("off", {}), ("other", others)):
            with Connection(ports[server]) as connection:
                assert connection.ask("GET", "/", other).cors == cors
    # Twice in one place is an error there too.
    nginx.configure("crossgate off; crossgate_policy main.json;")
    assert 'contradicts "crossgate off"' in nginx.check().stderr


def test_a_module_that_is_loaded_but_not_used(module, tmp_path):
    (port,) = free_ports(1)
    nginx = Nginx(tmp_path, module)
    nginx.configure(
        f"log_format c '$crossgate_reason'; access_log logs/access.log c; server {{ listen "
        f"127.0.0.1:{port}; "
        "location / { return 200; } }"
    )
    with nginx.running(port), Connection(port) as connection:
        assert connection.ask("GET", "/", A).cors == {}
        assert connection.ask("OPTIONS", "/", A, PUT).cors == {}
    assert (tmp_path / "logs/access.log").read_text() == "-\n-\n"


@pytest.mark.parametrize("directive", ["crossgate_policy", "crossgate_shadow"])
@pytest.mark.parametrize("kind", ["directory", "pipe", "device", "large"])
def test_only_a_regular_file_of_a_bounded_size_is_read(module, tmp_path, directive, kind):
    """And `nginx -t` does not wait for what is none."""
    path = tmp_path / f"{kind}.json"
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
    checked = configured(module, tmp_path, f"{directive} {path.name};").check()
    assert checked.returncode == 1
    (line,) = (line for line in checked.stderr.splitlines() if "[emerg]" in line)
    assert f'crossgate: "{path}": {code}' in line


def test_of_very_many_problems_the_last_are_counted(module, tmp_path):
    """Errors and warnings."""
    for origin, returncode, level in (
        ("https://{}.example/", 1, "emerg"),
        ("https://A{}.example", 0, "warn"),
    ):
        policy = {"allow_origins": [origin.format(number) for number in range(1_500)]}
        checked = configured(module, tmp_path, "crossgate_policy many.json;", many_json=policy)
        checked = checked.check()
        assert checked.returncode == returncode
        lines = [line for line in checked.stderr.splitlines() if "many.json" in line]
        assert len(lines) == 1_001
        assert f"nginx: [{level}] crossgate: " in lines[-1]
        assert f'"{tmp_path}/many.json": and 500 more in ' in lines[-1]
