"""A real httpd for one test file: own ServerRoot, loopback port, any MPM; an upstream; HTTP/1.1 by
raw socket.
"""

import http.server
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[3]
APXS = shutil.which(os.environ.get("APXS", "apxs"))


def apxs(variable):
    return subprocess.run(
        [APXS, "-q", variable], capture_output=True, text=True, check=True
    ).stdout.strip()


HTTPD = str(pathlib.Path(apxs("sbindir"), apxs("progname"))) if APXS else None
MISSING = (
    "apxs is not installed (Debian: apache2-dev)"
    if not APXS
    else ("" if pathlib.Path(HTTPD).exists() else f"{HTTPD} is not installed (Debian: apache2)")
)
CORS = (
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-allow-private-network",
)
MODULES = (
    "authn_core authn_file authz_core authz_user authz_host auth_basic access_compat alias dir "
    "mime env "
    "setenvif headers rewrite proxy proxy_http cgid include deflate http2 cache cache_disk "
    "negotiation asis "
    "allowmethods unixd log_config"
)
WORKERS = {
    "event": [
        "StartServers 2",
        "ServerLimit 4",
        "ThreadsPerChild 8",
        "MinSpareThreads 8",
        "MaxSpareThreads 32",
        "MaxRequestWorkers 32",
    ],
    # A process for each connection; HTTP/2 is not for it.
    "prefork": ["StartServers 4", "MinSpareServers 2", "MaxSpareServers 6", "MaxRequestWorkers 16"],
}


def build_module(directory):
    library = (
        pathlib.Path(os.environ.get("CROSSGATE_LIB", ROOT / "target/release")) / "libcrossgate.so"
    )
    for name in ("libcrossgate.so", "libcrossgate.so.0"):
        shutil.copy(library, directory / name)
    found = subprocess.run(
        [str(ROOT / "ffi/servers/httpd/build.sh"), str(directory)],
        env={**os.environ, "CROSSGATE_LIB": str(directory), "CROSSGATE_RPATH": str(directory)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Response(NamedTuple):
    status: int
    headers: list  # pairs, lower-case names
    body: bytes

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    def get(self, name):
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def cors(self):
        """The CORS headers and Vary; a repeated one fails."""
        # httpd's own writer joins the names of Vary with a comma alone.
        found = {name: self.get(name) for name in (*CORS, "vary") if self.all(name)}
        return {
            name: re.sub(",(?=\\S)", ", ", value) if name == "vary" else value
            for name, value in found.items()
        }


class Connection:
    """HTTP/1.1 as bytes, kept alive; interim responses are collected."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.file = self.socket.makefile("rb")
        self.interim = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, method, path, headers=(), body=None):
        host = (
            () if any(name.lower() == "host" for name, _ in headers) else ("Host: server.example",)
        )
        lines = [
            f"{method} {path} HTTP/1.1",
            *host,
            *(f"{name}: {value}" for name, value in headers),
        ]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    def head(self):
        line = self.file.readline().decode("latin-1")
        if not line:
            raise ConnectionError("closed")
        headers = []
        while (header := self.file.readline().decode("latin-1").rstrip("\r\n")) != "":
            name, _, value = header.partition(":")
            headers.append((name.lower(), value.strip(" \t")))
        return Response(int(line.split()[1]), headers, b"")

    def receive(self, method):
        while 100 <= (found := self.head()).status < 200:
            self.interim.append(found)
        if method == "HEAD" or found.status in (204, 304):
            return found
        if found.all("transfer-encoding") == ["chunked"]:
            body = b""
            while size := int(self.file.readline().split(b";")[0], 16):
                body += self.file.read(size)
                self.file.readline()
            self.file.readline()
        elif found.all("content-length"):
            body = self.file.read(int(found.get("content-length")))
        else:
            body = self.file.read()
        return found._replace(body=body)

    def request(self, method, path, headers=(), body=None):
        self.send(method, path, headers, body)
        return self.receive(method)


class Upstream:
    """Answers everything with 200 and "upstream"; under /own with CORS headers of its own, under
    /status/N with N, at a path of `pages` with the lines that stand there.
    """

    OWN = (
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "UPSTREAM"),
        ("Access-Control-Allow-Headers", "x-upstream"),
        ("Access-Control-Expose-Headers", "X-Upstream"),
        ("Access-Control-Max-Age", "7"),
        ("Access-Control-Allow-Private-Network", "true"),
        ("Vary", "Accept-Encoding"),
        ("Vary", "origin, X-Other"),
    )

    def __init__(self):
        upstream = self
        self.seen = []
        self.pages = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def answer(self):
                upstream.seen.append((self.command, self.path))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status = re.search(r"/status/(\d+)", self.path)
                if re.search("/upgrade|/socket", self.path) and (
                    protocol := self.headers.get("Upgrade")
                ):
                    self.wfile.write(
                        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {protocol}\r\nConnection: "
                        "Upgrade\r\n\r\nhello".encode("latin-1")
                    )
                    # Then it sends back what it gets.
                    self.wfile.flush()
                    while "/echo" in self.path and (data := self.rfile.read1(1000)):
                        self.wfile.write(data)
                        self.wfile.flush()
                    self.close_connection = True
                    return
                for interim in re.findall(r"/hints-(\d+)", self.path):
                    own = "".join(f"{name}: {value}\r\n" for name, value in Upstream.OWN)
                    self.wfile.write(
                        f"HTTP/1.1 {interim} Interim\r\n{own if '/own' in self.path else ''}"
                        "Link: </a.css>; rel=preload\r\n\r\n".encode()
                    )
                self.send_response(int(status[1]) if status else 200)
                if "/own" in self.path:
                    for name, value in Upstream.OWN:
                        self.send_header(name, value)
                for name, value in upstream.pages.get(self.path, ()):
                    self.send_header(name, value)
                if "/cached" in self.path:
                    self.send_header("Cache-Control", "public, max-age=60")
                self.send_header("X-Answered-By", "upstream")
                self.send_header("Content-Length", "8")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(b"upstream")

            def handle_expect_100(self):
                continued = super().handle_expect_100()
                self.wfile.flush()
                return continued

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return self.answer
                raise AttributeError(name)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Httpd:
    """configuration: text in which {root}, {port} and what `names` holds are replaced; mpm: a name
    of WORKERS.
    """

    def __init__(self, module, configuration, mpm="event", **names):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="httpd-", dir=module))
        self.root.chmod(0o755)
        for name in ("htdocs", "logs", "run", "cache", "policies"):
            (self.root / name).mkdir()
            (self.root / name).chmod(0o777)
        self.port = free_port()
        self.module = module
        self.configuration = configuration
        self.mpm = mpm
        self.names = names
        self.process = None

    def file(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def text(self):
        replaced = {"root": self.root, "port": self.port, **self.names}
        body = re.sub(
            r"\{(\w+)\}",
            lambda m: str(replaced[m[1]]) if m[1] in replaced else m[0],
            self.configuration,
        )
        directory = apxs("libexecdir")
        loads = [
            f"LoadModule {name}_module {directory}/mod_{name}.so"
            for name in (f"mpm_{self.mpm}", *MODULES.split())
            if pathlib.Path(directory, f"mod_{name}.so").exists()
        ]
        user = (
            ["User nobody", f"Group #{pwd.getpwnam('nobody').pw_gid}"] if os.geteuid() == 0 else []
        )
        return "\n".join(
            [
                f"ServerRoot {self.root}",
                "ServerName server.example",
                f"Listen 127.0.0.1:{self.port}",
                *loads,
                f"LoadModule crossgate_module {self.module}/mod_crossgate.so",
                *user,
                f"PidFile {self.root}/run/httpd.pid",
                f"DefaultRuntimeDir {self.root}/run",
                f"ScriptSock {self.root}/run/cgid.sock",
                f"ErrorLog {self.root}/logs/error.log",
                'LogFormat "%>s %m %U %{crossgate-reason}n %{crossgate-overwrote}n" reason',
                f"CustomLog {self.root}/logs/access.log reason",
                *WORKERS[self.mpm],
                "KeepAliveTimeout 20",
                "MaxKeepAliveRequests 0",
                "TypesConfig /dev/null",
                "AddType text/html .html",
                "AddType text/plain .txt",
                f"DocumentRoot {self.root}/htdocs",
                f"Protocols {'h2c ' if self.mpm == 'event' else ''}http/1.1",
                "LogLevel warn crossgate:info",
                body,
                "",
            ]
        )

    def run(self, *arguments):
        self.file("httpd.conf", self.text())
        return subprocess.run(
            [HTTPD, "-d", str(self.root), "-f", str(self.root / "httpd.conf"), *arguments],
            capture_output=True,
            text=True,
            timeout=300,
        )

    def configtest(self):
        return self.run("-t")

    def configtest_without_module(self):
        text = re.sub(r"(?m)^LoadModule crossgate_module .*$| crossgate:info", "", self.text())
        self.file("without.conf", text)
        arguments = [HTTPD, "-d", str(self.root), "-f", str(self.root / "without.conf"), "-t"]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=300).stderr

    def __enter__(self):
        self.file("httpd.conf", self.text())
        self.process = subprocess.Popen(
            [HTTPD, "-d", str(self.root), "-f", str(self.root / "httpd.conf"), "-DFOREGROUND"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Prefork signals its children through its process group, which would be that of the
            # tests.
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.process.kill()
                    raise AssertionError(
                        "httpd did not start: " + self.process.communicate()[0] + self.log()
                    ) from None
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.communicate(timeout=120)
        finally:
            self.process.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def request(self, method, path, *headers, body=None):
        with Connection(self.port) as connection:
            return connection.request(method, path, headers, body)

    def curl(self, *arguments):
        found = subprocess.run(
            ["curl", "-s", "-i", "--max-time", "120", *arguments], capture_output=True, timeout=180
        )
        assert found.returncode == 0, found.stderr
        head, _, body = found.stdout.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines[1:]]
        headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        return lines[0].split()[0], Response(int(lines[0].split()[1]), headers, body)

    def log(self, name="error.log"):
        path = self.root / "logs" / name
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_log(self, text, name="error.log"):
        deadline = time.monotonic() + 120
        while text not in self.log(name):
            assert time.monotonic() < deadline, f"not in {name}: {text}\n{self.log(name)[-3000:]}"
            time.sleep(0.05)
