"""Every example of ffi/examples as a real server.

The requests of the demonstration, under several policies, get what the policy says;
    connections are kept; HEAD is as
GET; a bad policy and a signal end it as they should.
"""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import crossgate
import pytest
from conftest import ROOT, SANITIZE

sys.path.insert(0, str(ROOT / "tests/demo"))
from demo import APP, REQUESTS, answer

EXAMPLES = ROOT / "ffi/examples"
EVIL = "https://evil.example"

# name: (source, libraries, a header that is there if the package is, the package)
HOSTS = {
    "libmicrohttpd": ("libmicrohttpd.c", ["-lmicrohttpd"], "microhttpd.h", "libmicrohttpd-dev"),
    "evhttp": ("evhttp.c", ["-levent"], "event2/http.h", "libevent-dev"),
    "civetweb": ("civetweb.c", ["-lcivetweb"], "civetweb.h", "libcivetweb-dev"),
    "h2o": ("h2o.c", ["-lh2o-evloop"], "h2o/version.h", "libh2o-evloop-dev"),
    "fastcgi-nginx": ("fastcgi.c", ["-lfcgi"], "fcgiapp.h", "libfcgi-dev"),
    "fastcgi-lighttpd": ("fastcgi.c", ["-lfcgi"], "fcgiapp.h", "libfcgi-dev"),
    "cpp-httplib": ("cpp_httplib.cpp", ["-lcpp-httplib"], "httplib.h", "libcpp-httplib-dev"),
    "poco": ("poco.cpp", ["-lPocoNet", "-lPocoFoundation"], "Poco/Net/HTTPServer.h", "libpoco-dev"),
    "beast": ("beast.cpp", [], "boost/beast/version.hpp", "libboost-dev"),
    "nginx-lua": (None, [], None, "nginx"),
}

# What takes so many seconds hangs.
HANG = 120
DEMO = json.loads((ROOT / "tests/demo/policy.json").read_text())
POLICIES = {
    "demo": DEMO,
    # Lists are echoed: these need scratch.
    "echo": {
        "allow_origins": [APP],
        "allow_credentials": True,
        "allow_methods": "*",
        "allow_headers": "*",
    },
    "any": {"allow_origins": "*", "expose_headers": "*", "allow_headers": ["*", "Authorization"]},
    # What the application set stays; other statuses; refusals before the handler.
    "keep": {**DEMO, "upstream": "keep", "preflight_status": 200, "denied_preflight_status": 400},
    "reject": {**DEMO, "denied_actual": "reject", "own_origins": ["https://api.example.com"]},
}

# What a host cannot do, and what it is given instead. cpp-httplib waits for the body of a PUT
# without a length; browsers send one. (No host here hides a repeated line: each shows them all, or
# joined, which is denied as well.)
GIVEN = {"cpp-httplib": {"PUT": [("Content-Length", "0")]}}

# What the application answers by itself.
ROUTES = {
    "/data": (200, []),
    "/upstream": (
        200,
        [
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", "X-Own"),
            ("vary", "Accept-Encoding"),
        ],
    ),
    "/error": (500, []),
}
NOT_FOUND = (404, [])


def expected(policy, request):
    _, method, path, headers = request
    decision = policy.evaluate(method, headers)
    status, own = (
        ROUTES.get(path, NOT_FOUND) if decision.action == "forward" else (decision.status, [])
    )
    pairs = [
        (name, value)
        for name, value in decision.apply(own)
        if name == "vary" or name.startswith("access-")
    ]
    return status, sorted(pairs)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + HANG
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=HANG),
        ):
            return
        assert process.poll() is None, "the front server did not start"
        time.sleep(0.02)
    raise AssertionError("the front server did not start")


def stop(process, by=signal.SIGTERM):
    process.send_signal(by)
    try:
        return process.wait(timeout=HANG)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


NGINX_FASTCGI = """
daemon off; pid nginx.pid; error_log stderr; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ include /etc/nginx/fastcgi_params; fastcgi_pass 127.0.0.1:{application};
            fastcgi_keep_conn on; }}
    }}
}}
"""
LIGHTTPD_FASTCGI = """
server.modules = ( "mod_fastcgi" )
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
fastcgi.server = ( "/" => ((
    "host" => "127.0.0.1", "port" => {application}, "check-local" => "disable"
)) )
"""


class Builder:
    """Builds each example once."""

    def __init__(self, compiler):
        self.compiler = compiler
        self.built = {}

    def program(self, name):
        source, libraries, header, package = HOSTS[name]
        if source not in self.built:
            language = "c++" if source.endswith("pp") else "c"
            found = subprocess.run(
                ["cc", "-E", "-x", language, "-"],
                input=f"#include <{header}>\n",
                capture_output=True,
                text=True,
            )
            if f"{header}: No such file" in found.stderr:
                pytest.skip(f"the package {package} is missing")
            flags = ["-Wall", "-Wextra", "-Werror", *libraries, *SANITIZE]
            flags += ["-std=c++17"] if language == "c++" else ["-std=c11"]
            output = self.compiler.folder / pathlib.Path(source).stem
            command = "c++" if language == "c++" else "cc"
            self.built[source] = self.compiler.compile(command, [EXAMPLES / source], output, *flags)
        return self.built[source]

    @contextlib.contextmanager
    def run(self, name, policy, folder):
        """The port of a running server."""
        with contextlib.ExitStack() as running:
            if name == "nginx-lua":
                yield running.enter_context(self.nginx_lua(policy, folder))
                return
            command = [self.program(name), "--policy", policy, "--port", "0"]
            with (folder / "errors").open("w") as errors:
                process = subprocess.Popen(
                    list(map(str, command)),
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    env=self.compiler.environment,
                )
            running.callback(process.stdout.close)
            running.callback(self.finish, process, folder)
            line = process.stdout.readline()
            found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
            assert found, line + (folder / "errors").read_text()
            port = int(found[1])
            if name.startswith("fastcgi-"):
                port = running.enter_context(self.front(name.split("-")[1], port, folder))
            yield port

    def finish(self, process, folder):
        code = stop(process)
        assert code == 0, (folder / "errors").read_text()

    @contextlib.contextmanager
    def front(self, server, application, folder):
        """A front server for a FastCGI application."""
        if not shutil.which(server):
            pytest.skip(f"the package {server} is missing")
        port = free_port()
        text = NGINX_FASTCGI if server == "nginx" else LIGHTTPD_FASTCGI
        (folder / "front.conf").write_text(
            text.format(port=port, application=application, folder=folder)
        )
        command = {
            "nginx": ["nginx", "-p", str(folder), "-c", "front.conf"],
            "lighttpd": ["lighttpd", "-D", "-f", str(folder / "front.conf")],
        }[server]
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            wait_for(port, process)
            yield port
        finally:
            stop(process)

    @contextlib.contextmanager
    def nginx_lua(self, policy, folder):
        """The example with its port and its policy put in."""
        process, port, place = self.start_nginx_lua(policy, folder)
        try:
            wait_for(port, process)
            yield port
        finally:
            assert stop(process) == 0, (place / "errors").read_text()
        errors = (place / "errors").read_text()
        assert "[error]" not in errors, errors

    def start_nginx_lua(self, policy, folder):
        modules = pathlib.Path("/usr/lib/nginx/modules/ngx_http_lua_module.so")
        if not shutil.which("nginx") or not modules.exists():
            pytest.skip("the package libnginx-mod-http-lua is missing")
        place = folder / "nginx-lua"
        shutil.copytree(EXAMPLES / "nginx-lua", place)
        (place / "logs").mkdir()
        shutil.copy(policy, place / "policy.json")
        port = free_port()
        text = (place / "nginx.conf").read_text()
        assert text.count("listen 127.0.0.1:8080;") == 1
        (place / "nginx.conf").write_text(
            text.replace("listen 127.0.0.1:8080;", f"listen 127.0.0.1:{port};")
        )
        with (place / "errors").open("w") as errors:
            process = subprocess.Popen(
                ["nginx", "-p", str(place), "-c", "nginx.conf"],
                cwd=place,
                stderr=errors,
                env=self.compiler.environment,
            )
        return process, port, place


@pytest.fixture(scope="session")
def builder(compiler):
    return Builder(compiler)


def write(policy, folder):
    path = folder / "policy.json"
    path.write_text(json.dumps(policy))
    return path


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("host", HOSTS)
def test_the_policys_answers(host, policy, builder, tmp_path):
    path = write(POLICIES[policy], tmp_path)
    engine = crossgate.Policy.from_file(path)
    with builder.run(host, path, tmp_path) as port:
        different = []
        for request in REQUESTS:
            what, method, target, headers = request
            sent = what, method, target, headers + GIVEN.get(host, {}).get(method, [])
            found, wanted = answer(port, sent), expected(engine, request)
            if found != wanted:
                different.append(f"{request[0]}:\n    {found}\n    {wanted}")
        assert not different, "\n".join(different)


class Connection:
    """One connection for several requests."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=HANG)
        self.buffer = b""

    def more(self):
        data = self.socket.recv(65536)
        assert data, "the connection was closed"
        self.buffer += data

    def exchange(self, method, path, headers):
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: 127.0.0.1",
            *(f"{name}: {value}" for name, value in headers),
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *rest = head.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        pairs = [
            (name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in rest)
        ]
        fields = dict(pairs)
        if method == "HEAD" or status == 204:
            return status, pairs, b""
        if fields.get("transfer-encoding") == "chunked":
            while not self.buffer.endswith(b"0\r\n\r\n"):
                self.more()
            body, self.buffer = self.buffer, b""
            return status, pairs, body
        length = int(fields["content-length"])
        while len(self.buffer) < length:
            self.more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return status, pairs, body


def cors(pairs):
    return sorted(
        (name, value) for name, value in pairs if name == "vary" or name.startswith("access-")
    )


@pytest.mark.parametrize("host", HOSTS)
def test_one_connection(host, builder, tmp_path):
    """Nothing of one request shows in the next; bodies are where they belong; HEAD is GET without a
    body.
    """
    path = write(DEMO, tmp_path)
    engine = crossgate.Policy.from_file(path)
    preflight = [("Origin", APP), ("Access-Control-Request-Method", "PUT")]
    requests = [
        ("GET", "/data", [("Origin", APP)]),
        ("OPTIONS", "/data", preflight),
        ("HEAD", "/data", [("Origin", APP)]),
        ("GET", "/data", [("Origin", EVIL)]),
        ("OPTIONS", "/data", [("Origin", EVIL), *preflight[1:]]),
        ("HEAD", "/error", [("Origin", APP)]),
        ("GET", "/data", []),
        ("GET", "/data?Origin=x", [("Origin", APP)]),
    ]
    with builder.run(host, path, tmp_path) as port:
        connection = Connection(port)
        for method, target, headers in requests:
            wanted = expected(engine, ("", method, target.split("?")[0], headers))
            try:
                status, pairs, body = connection.exchange(method, target, headers)
            except (AssertionError, ConnectionError):
                # Allowed after any response; but then the host must have said so, or it is the
                # start of a new one.
                connection.socket.close()
                connection = Connection(port)
                status, pairs, body = connection.exchange(method, target, headers)
            assert (status, cors(pairs)) == wanted, (method, target, headers)
            if method == "GET":
                assert b'{"ok":true}\n' in body
            elif method == "OPTIONS":
                assert body == b""
                assert "content-type" not in dict(pairs)
                assert dict(pairs).get("content-length", "0") == "0"
                assert status != 204 or "content-length" not in dict(pairs)
            assert connection.buffer == b"", "bytes behind the response"
            if dict(pairs).get("connection", "").lower() == "close":
                connection.socket.close()
                connection = Connection(port)
        connection.socket.close()


@pytest.mark.parametrize("host", [host for host in HOSTS if host != "fastcgi-lighttpd"])
def test_a_bad_policy_names_every_problem(host, builder, tmp_path):
    path = write(
        {"allow_origins": ["https://a.example/", "ftp://b.example"], "max_age": -1}, tmp_path
    )
    with pytest.raises(crossgate.PolicyError) as error:
        crossgate.Policy.from_file(path)
    if host == "nginx-lua":
        process, _, place = builder.start_nginx_lua(path, tmp_path)
        code, errors = process.wait(timeout=HANG), (place / "errors").read_text()
    else:
        command = [str(builder.program(host)), "--policy", str(path), "--port", "0"]
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=HANG, env=builder.compiler.environment
        )
        code, errors = found.returncode, found.stderr
        assert found.stdout == ""
    assert code == 1
    for problem in error.value.problems:
        assert problem.code in errors
        assert problem.path in errors


@pytest.mark.parametrize(
    "host", [host for host in HOSTS if host not in ("fastcgi-lighttpd", "nginx-lua")]
)
def test_command_line_and_signals(host, builder, tmp_path):
    program = str(builder.program(host))
    environment = builder.compiler.environment
    for wrong in ([], ["--policy"], ["--port", "0"]):
        found = subprocess.run(
            [program, *wrong], capture_output=True, text=True, timeout=HANG, env=environment
        )
        assert found.returncode == 2
        assert "usage: " in found.stderr
    path = str(write(DEMO, tmp_path))
    missing = [program, "--policy", str(tmp_path / "none.json")]
    found = subprocess.run(missing, capture_output=True, text=True, timeout=HANG, env=environment)
    assert found.returncode == 1
    assert "none.json" in found.stderr
    port = free_port()
    command = [program, "--policy", path, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout.readline() == f"listening on 127.0.0.1:{port}\n"
        # A second one finds the port taken.
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=HANG, env=environment
        )
        assert found.returncode == 1
        assert found.stderr
    finally:
        assert stop(process, signal.SIGINT) == 0
        process.stdout.close()
