"""docs/nginx.md: what stands there works."""

import json
import pathlib
import re

import pytest
from nginx_harness import ROOT, Connection, Nginx, free_ports

PAGE = (ROOT / "docs/nginx.md").read_text()
HERE = pathlib.Path(__file__).parent


def blocks(language, page=PAGE):
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


README = blocks("nginx", (ROOT / "README.md").read_text())


@pytest.fixture
def nginx(module, tmp_path):
    nginx = Nginx(tmp_path, module)
    (policy,), (tenants,) = blocks("json"), blocks("toml")
    nginx.write("cors.json", policy)
    nginx.write("cors-next.json", json.loads(policy) | {"max_age": 60})
    nginx.write("tenants.toml", tenants)
    return nginx


def configure(nginx, block):
    if block.startswith("load_module"):
        load, rest = block.split("\n", 1)
        assert load == "load_module modules/ngx_http_crossgate_module.so;"
        main = (
            f"load_module {nginx.module};\npid nginx.pid;\nerror_log logs/error.log;\ndaemon off;\n"
        )
        temporary = "".join(
            f"{kind}_temp_path temp/{kind}; "
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        nginx.write(
            "nginx.conf", main + rest.replace("http {\n", f"http {{ access_log off; {temporary}\n")
        )
    else:
        nginx.configure(block)


@pytest.mark.parametrize(
    "block", blocks("nginx") + README, ids=lambda block: block.split("\n")[0][:30]
)
def test_a_block_is_a_configuration(nginx, block):
    configure(nginx, block)
    checked = nginx.check()
    assert checked.returncode == 0, checked.stderr
    # The check sees what is wrong.
    configure(nginx, block.replace("crossgate_policy ", "crossgate_policy no-"))
    assert nginx.check().returncode == 1


def test_the_ten_lines(nginx):
    (block,) = (block for block in blocks("nginx") if block.startswith("load_module"))
    assert len(block.splitlines()) <= 10
    (port,) = free_ports(1)
    configure(nginx, block.replace("8080", str(port)))
    with nginx.running(port), Connection(port) as connection:
        origin = ("Origin", "https://one.preview.example.com")
        answer = connection.ask("OPTIONS", "/", origin, ("Access-Control-Request-Method", "PUT"))
        assert (answer.status, answer.one("access-control-allow-methods")) == (204, "PUT, DELETE")
        assert connection.ask("GET", "/health", origin).cors == {}


def test_the_message(nginx):
    policy = json.loads(blocks("json")[0])
    policy["allow_origins"][0] += "/"
    nginx.write("cors.json", policy)
    (block,) = (block for block in blocks("nginx") if block.startswith("load_module"))
    configure(nginx, block)
    # The page breaks the long line.
    (shown,) = re.findall(r"^ {4}(nginx: \[emerg\] .*(?:\n {4}.*)*)$", PAGE, re.MULTILINE)
    before, after = (re.escape(part.strip()) for part in re.sub(r"\n +", " ", shown).split("…"))
    pattern = (before + ".*" + after).replace("/etc/nginx/", f"{re.escape(str(nginx.prefix))}/")
    assert re.search(re.sub(r":6$", r":\\d+", pattern), nginx.check().stderr), nginx.check().stderr


def test_a_tenant_of_one_host_is_none_of_another(nginx):
    (block,) = (block for block in blocks("nginx") if "$host $http_origin" in block)
    (port,) = free_ports(1)
    nginx.configure(block.replace("8085", str(port)))
    with nginx.running(port), Connection(port) as connection:
        for host, name, allowed in (
            ("one", "customer", True),
            ("two", "other", True),
            ("one", "other", False),
            ("two", "customer", False),
            ("three", "customer", False),
        ):
            origin = f"https://shop.{name}.example"
            headers = ("Host", f"{host}.example.com"), ("Origin", origin)
            cors = connection.ask("GET", "/", *headers).cors
            assert cors.get("access-control-allow-origin") == (origin if allowed else None)


def test_the_reason_in_a_header(nginx):
    (block,) = (block for block in blocks("nginx") if "X-Cors-Reason" in block)
    (port,) = free_ports(1)
    nginx.configure(block.replace("8087", str(port)))
    with nginx.running(port), Connection(port) as connection:
        for origin, reason in (("https://app.example.com", "allowed"), ("null", "origin_null")):
            assert connection.ask("GET", "/", ("Origin", origin)).one("x-cors-reason") == reason


def test_return_444_closes_for_preflights_too(nginx):
    (port,) = free_ports(1)
    nginx.configure(
        f"server {{ listen 127.0.0.1:{port}; crossgate_policy cors.json; "
        "location / { return 444; } }"
    )
    headers = ("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "PUT")
    with nginx.running(port):
        for method in ("GET", "OPTIONS"):
            with Connection(port) as connection, pytest.raises(ConnectionError):
                connection.ask(method, "/", *headers)


def test_every_test_that_is_named_exists():
    tests = set(re.findall(r"^def (test_\w+)", (HERE / "test_idioms.py").read_text(), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named == tests


def test_every_directive_and_variable_is_named():
    sources = (ROOT / "ffi/servers/nginx").glob("*.c")
    source = "".join(file.read_text() for file in sources)
    for name in re.findall(r'ngx_string\("(crossgate\w*)"\),\n\s+NGX', source):
        assert re.search(rf"^\| `{name} ", PAGE, re.MULTILINE), name
    for name in re.findall(r'ngx_string\("(crossgate_\w+)"\), NULL', source):
        assert f"| `${name}` |" in PAGE
