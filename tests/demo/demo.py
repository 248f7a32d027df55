"""The main job: one policy file, four real servers (C, Python, Node, Rust), the same requests.

Prints a table with one column a language, marks what differs and exits 1 then. Everything that was
started is stopped, on Ctrl-C too.
"""

import argparse
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LANGUAGES = {
    "C": [str(ROOT / "build/libmicrohttpd")],
    "Python": [str(ROOT / ".venv/bin/python"), str(ROOT / "tests/demo/python/server.py")],
    "Node": ["node", str(ROOT / "tests/demo/node/server.mjs")],
    "Rust": [str(ROOT / "target/release/crossgate-demo-server")],
}
APP = "https://app.example.com"
PUT = [("Access-Control-Request-Method", "PUT")]

# (what it shows, method, path, header lines)
REQUESTS = [
    ("allowed origin", "GET", "/data", [("Origin", APP)]),
    ("sub-domain pattern", "GET", "/data", [("Origin", "https://pr-7.preview.example.com")]),
    (
        "placeholder pattern",
        "GET",
        "/data",
        [("Origin", "https://deploy-preview-42--shop.netlify.app")],
    ),
    ("any local port", "GET", "/data", [("Origin", "http://localhost:5173")]),
    ("no Origin", "GET", "/data", []),
    ("origin not listed", "GET", "/data", [("Origin", "https://evil.example")]),
    ("suffix trick", "GET", "/data", [("Origin", "https://app.example.com.evil.example")]),
    ("opaque origin", "GET", "/data", [("Origin", "null")]),
    ("two Origin lines", "GET", "/data", [("Origin", APP), ("Origin", "https://evil.example")]),
    ("404 keeps its headers", "GET", "/nowhere", [("Origin", APP)]),
    ("500 keeps its headers", "GET", "/error", [("Origin", APP)]),
    ("handler's own ACAO replaced", "GET", "/upstream", [("Origin", APP)]),
    ("handler's own ACAO removed", "GET", "/upstream", [("Origin", "https://evil.example")]),
    ("PUT itself", "PUT", "/data", [("Origin", APP)]),
    (
        "preflight",
        "OPTIONS",
        "/data",
        [("Origin", APP), *PUT, ("Access-Control-Request-Headers", "authorization,content-type")],
    ),
    (
        "preflight, list in two lines",
        "OPTIONS",
        "/data",
        [
            ("Origin", APP),
            *PUT,
            ("Access-Control-Request-Headers", "Content-Type"),
            ("Access-Control-Request-Headers", " authorization"),
        ],
    ),
    (
        "preflight, method refused",
        "OPTIONS",
        "/data",
        [("Origin", APP), ("Access-Control-Request-Method", "PATCH")],
    ),
    (
        "preflight, wrong case",
        "OPTIONS",
        "/data",
        [("Origin", APP), ("Access-Control-Request-Method", "put")],
    ),
    (
        "preflight, header refused",
        "OPTIONS",
        "/data",
        [("Origin", APP), *PUT, ("Access-Control-Request-Headers", "x-evil")],
    ),
    ("preflight, origin refused", "OPTIONS", "/data", [("Origin", "https://evil.example"), *PUT]),
    ("plain OPTIONS", "OPTIONS", "/data", [("Origin", APP)]),
]


class Server:
    """A server process on a port of its own choice."""

    def __init__(self, language, policy):
        self.language = language
        command = [*LANGUAGES[language], "--policy", str(policy), "--port", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.port = 0

    def wait(self):
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)", line.strip())
        if not found:
            self.process.kill()
            raise SystemExit(
                f"the {self.language} server did not start: {line}{self.process.stderr.read()}"
            )
        self.port = int(found[1])

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise SystemExit(f"the {self.language} server did not stop on SIGTERM") from None


def send(port, method, path, headers):
    """One request over a socket of its own, its lines as they are.

    Returns status and lower-case header pairs.
    """
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in headers),
        "Connection: close",
        "",
        "",
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
    head = data.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")
    pairs = [line.split(":", 1) for line in head[1:]]
    return int(head[0].split(" ")[1]), [
        (name.strip().lower(), value.strip()) for name, value in pairs
    ]


def answer(port, request):
    """What of a response is compared: the status and every CORS header, whatever their order."""
    _, method, path, headers = request
    status, pairs = send(port, method, path, headers)
    return status, sorted(
        (name, value)
        for name, value in pairs
        if name == "vary" or name.startswith("access-control-")
    )


def show(decided, answers):
    """Prints a request's row; true if all answers are the same."""
    request, decision = decided
    what, method, path, _headers = request
    first = next(iter(answers.values()))
    marks = ["same" if found == first else "DIFFERS" for found in answers.values()]
    verdict = {True: "allowed", False: "denied", None: "-"}[decision.allowed]
    print(
        f"{what:<29} {method:<8}{path:<10} {verdict:<8} {decision.reason:<19}"
        + "".join(f"{mark:<9}" for mark in marks)
    )
    same = all(found == first for found in answers.values())
    for language, (status, found) in answers.items() if not same else [("", first)]:
        print(
            f"    {language:<7}{status}  "
            + (
                "\n                ".join(f"{name}: {value}" for name, value in found)
                or "no CORS header"
            )
        )
    return same


def run(servers, policy):
    """Sends every request to every server. Returns how many answers differ."""
    columns = "".join(f"{server.language:<9}" for server in servers)
    print(f"{'request':<29} {'':<18} {'decision':<8} {'reason':<19}{columns}\n" + "-" * 110)
    different = 0
    for request in REQUESTS:
        decision = policy.evaluate(request[1], request[3])
        answers = {server.language: answer(server.port, request) for server in servers}
        different += not show((request, decision), answers)
    return different


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", type=pathlib.Path, default=ROOT / "tests/demo/policy.json")
    parser.add_argument(
        "--policy-for",
        action="append",
        default=[],
        metavar="LANGUAGE=FILE",
        help="another policy for one server: they differ then",
    )
    parser.add_argument(
        "--hold",
        type=float,
        default=0,
        metavar="SECONDS",
        help="keep the servers up before they are stopped",
    )
    arguments = parser.parse_args()
    others = dict(pair.split("=", 1) for pair in arguments.policy_for)

    import crossgate  # from the virtual environment, once the command line is known to be right

    policy = crossgate.Policy.from_file(arguments.policy)
    started = time.monotonic()
    # Also where the shell that started this in the background had SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as running:
        servers = []
        for language in LANGUAGES:
            server = Server(language, others.get(language, arguments.policy))
            running.callback(server.stop)
            servers.append(server)
        for server in servers:
            server.wait()
        print(
            "servers: "
            + ", ".join(f"{s.language} 127.0.0.1:{s.port} (pid {s.process.pid})" for s in servers)
            + "\n",
            flush=True,
        )
        different = run(servers, policy)
        if arguments.hold:
            print(f"\nthe servers stay up for {arguments.hold:g} s", flush=True)
            time.sleep(arguments.hold)
    seconds = time.monotonic() - started
    print(
        f"\n{len(REQUESTS)} requests, {len(LANGUAGES)} servers, "
        f"{different} different answers, {seconds:.1f} s"
    )
    return 1 if different else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
