"""Builds the module, runs nginx with it on loopback, and speaks HTTP by raw socket."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / "ffi/servers/nginx/build.sh"
# What takes so many seconds hangs.
HANG = 120


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Returns as soon as the condition holds."""
    deadline = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < deadline, f"not in {HANG} s: {what}"
        time.sleep(0.02)


NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def missing() -> str | None:
    """What keeps nginx from being tested here."""
    if NGINX is None:
        return "nginx is not installed (Debian: nginx-light)"
    if not pathlib.Path("/usr/share/nginx/src/conf_flags").exists():
        return "nginx's headers are not installed (Debian: nginx-dev)"
    if not (ROOT / "target/release/libcrossgate.so").exists():
        return "target/release/libcrossgate.so is missing: make build"
    return None


def build(directory: pathlib.Path) -> pathlib.Path:
    """The module, linked to a copy of the library: the one in target/ may be rebuilt meanwhile."""
    lib = directory / "lib"
    lib.mkdir(parents=True)
    shutil.copy(ROOT / "target/release/libcrossgate.so", lib / "libcrossgate.so.0")
    (lib / "libcrossgate.so").symlink_to("libcrossgate.so.0")
    environment = os.environ | {"CROSSGATE_LIB": str(lib), "CROSSGATE_RPATH": str(lib)}
    built = subprocess.run(
        [BUILD, directory / "module"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "warning" not in (directory / "module/make.log").read_text()
    return pathlib.Path(built.stdout.strip())


@dataclass
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) < 2, f"{name} came as {values}"
        return values[0] if values else None

    @property
    def cors(self) -> dict[str, str]:
        """The CORS headers and Vary; each may be there once."""
        names = {
            name for name, _ in self.headers if name.startswith("access-control-") or name == "vary"
        }
        return {name: self.one(name) or "" for name in sorted(names)}


class Connection:
    """One connection, with keep-alive."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=HANG)
        self.buffer = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def fill(self) -> bool:
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            if not self.fill():
                raise ConnectionError(f"closed after {self.buffer!r}")
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def exactly(self, length: int) -> bytes:
        while len(self.buffer) < length:
            if not self.fill():
                raise ConnectionError(f"closed after {self.buffer!r}")
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def read(self, method: str = "GET") -> Response:
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = [
            (name.lower(), value.strip(" "))
            for name, value in (line.split(":", 1) for line in lines[1:])
        ]
        response = Response(int(lines[0].split(" ")[1]), headers)
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        if response.one("transfer-encoding") == "chunked":
            while size := int(self.until(b"\r\n"), 16):
                response.body += self.exactly(size)
                self.until(b"\r\n")
            self.until(b"\r\n")
        elif (length := response.one("content-length")) is not None:
            response.body = self.exactly(int(length))
        else:
            while self.fill():
                pass
            response.body, self.buffer = self.buffer, b""
        return response

    def ask(self, method: str, path: str, *headers: tuple[str, str], body: bytes = b"") -> Response:
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        if not any(name.lower() == "host" for name, _ in headers):
            lines.insert(1, "Host: localhost")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return self.read(method)


@dataclass
class Upstream:
    """A server whose responses are written out: pages maps a path to the bytes. Behind a 101 it
    sends back what it gets.
    """

    pages: dict[str, bytes] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    port: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[Upstream]:
        upstream = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline().decode("latin-1").strip()
                while self.rfile.readline().strip():
                    pass
                upstream.seen.append(line)
                page = upstream.pages.get(
                    re.split(r"[ ?]", line)[1], b"HTTP/1.0 404 Not Found\r\n\r\n"
                )
                with contextlib.suppress(OSError):
                    self.wfile.write(page)
                    # Behind a switch of protocols everything comes back.
                    while page.startswith(b"HTTP/1.1 101") and (data := self.rfile.read1(1000)):
                        self.wfile.write(data)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        with Server(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield self
            server.shutdown()
            thread.join()


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Nginx:
    """nginx in a directory of its own. `http` is what stands in http {}; write(…) adds files."""

    def __init__(self, prefix: pathlib.Path, module: pathlib.Path | None, workers: int = 2) -> None:
        self.prefix = prefix
        self.module = module
        self.workers = workers
        self.process: subprocess.Popen[bytes] | None = None
        for name in ("html", "temp", "logs"):
            (prefix / name).mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: str | dict) -> pathlib.Path:
        path = self.prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def configure(
        self, http: str, main: str = "", level: str = "info", load: str | None = None
    ) -> None:
        temporary = "".join(
            f"    {kind}_temp_path temp/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        if load is None:
            load = f"load_module {self.module};\n" if self.module else ""
        self.write(
            "nginx.conf",
            f"{load}{main}\n"
            + ("user root;\n" if os.geteuid() == 0 else "")
            + f"daemon off;\nworker_processes {self.workers};\npid nginx.pid;\n"
            + f"error_log logs/error.log {level};\n"
            + "events { worker_connections 512; }\n"
            + f"http {{\n{temporary}"
            + ("" if "access_log" in http else "    access_log off;")
            + f"\n{http}\n}}\n",
        )

    @property
    def command(self) -> list[str]:
        assert NGINX
        return [NGINX, "-p", f"{self.prefix}/", "-c", "nginx.conf", "-e", "logs/error.log"]

    def check(self) -> subprocess.CompletedProcess[str]:
        """nginx -t"""
        return subprocess.run(
            [*self.command, "-t"], capture_output=True, text=True, timeout=60, check=False
        )

    @property
    def errors(self) -> str:
        return (self.prefix / "logs/error.log").read_text(errors="replace")

    def start(self, port: int) -> None:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

        def listens() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(
                    (self.process.stderr.read() if self.process.stderr else b"").decode()
                )
            try:
                socket.create_connection(("127.0.0.1", port), timeout=HANG).close()
            except OSError:
                return False
            return True

        wait_until(listens, "nginx listens")

    @contextlib.contextmanager
    def running(self, port: int) -> Iterator[Nginx]:
        self.start(port)
        try:
            yield self
        finally:
            self.stop()

    def reload(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(timeout=HANG)
        if self.process.stderr:
            self.process.stderr.close()
        self.process = None
