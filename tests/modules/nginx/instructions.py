"""Instructions that nginx executes for a request, with and without the module: a figure without the
noise of time.

    .venv/bin/python tests/modules/nginx/instructions.py

callgrind counts them in one process of nginx, outside the kernel, for two numbers of requests on
one connection; the difference, divided, is what a request costs. Twice the same gives the same
within a hundredth. Needs valgrind.
"""

import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from bench import IDIOM, MAPS, MODULE, PATTERNED, PLAIN, POLICY
from nginx_harness import ROOT, Connection, Nginx, build, free_ports, missing

FEW, MANY = 100, 600
A = ("Origin", "https://b.example")
PATTERN = ("Origin", "https://x.wild.example")
EVIL = ("Origin", "https://evil.example")
PUT = ("Access-Control-Request-Method", "PUT")
SERVERS = {
    "plain": ("", PLAIN),
    "idiom": (MAPS, IDIOM),
    "module": ("", MODULE),
    "pattern": ("", MODULE),
}
# What is asked, where, and what it is compared with.
VARIANTS = {
    "no Origin, without the module": ("plain", "GET", "/x", [], None),
    "no Origin, with it": ("module", "GET", "/x", [], "no Origin, without the module"),
    "allowed, without the module": ("plain", "GET", "/x", [A], None),
    "allowed, map and add_header": ("idiom", "GET", "/x", [A], "allowed, without the module"),
    "allowed, with it": ("module", "GET", "/x", [A], "allowed, without the module"),
    "pattern, without the module": ("plain", "GET", "/x", [PATTERN], None),
    "allowed by a pattern, with it": (
        "pattern",
        "GET",
        "/x",
        [PATTERN],
        "pattern, without the module",
    ),
    "denied, without the module": ("plain", "GET", "/x", [EVIL], None),
    "denied, with it": ("module", "GET", "/x", [EVIL], "denied, without the module"),
    "preflight, return 204": ("plain", "OPTIONS", "/204", [A, PUT], None),
    "preflight, add_header and return 204": (
        "idiom",
        "OPTIONS",
        "/preflight",
        [A, PUT],
        "preflight, return 204",
    ),
    "preflight, with it": ("module", "OPTIONS", "/x", [A, PUT], "preflight, return 204"),
}


class Counted(Nginx):
    """nginx as one process under callgrind."""

    @property
    def command(self) -> list[str]:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.prefix}/profile"]
        return [*tool, f"--log-file={self.prefix}/counted", *super().command]


def instructions(
    nginx: Counted, port: int, count: int, method: str, path: str, headers: list
) -> int:
    """Of a whole run of nginx that serves so many requests."""
    nginx.start(port)
    assert nginx.process
    with Connection(port) as connection:
        for _ in range(count):
            assert connection.ask(method, path, *headers).status in (200, 204)
    time.sleep(0.2)
    nginx.process.send_signal(signal.SIGQUIT)
    nginx.process.wait(timeout=60)
    nginx.stop()
    return int(re.search(r"Collected : (\d+)", (nginx.prefix / "counted").read_text())[1])


def main() -> int:
    reason = missing()
    if reason or subprocess.run(["which", "valgrind"], capture_output=True).returncode != 0:
        print(reason or "valgrind is not installed (Debian: valgrind)")
        return 1
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        module = build(place / "build")
        cost: dict[str, float] = {}
        for name, (server, method, path, headers, base) in VARIANTS.items():
            (port,) = free_ports(1)
            nginx = Counted(
                place / server, module if server in ("module", "pattern") else None, workers=1
            )
            nginx.write("cors.json", PATTERNED if server == "pattern" else POLICY)
            nginx.write("html/x", "x")
            maps, locations = SERVERS[server]
            http = f"{maps} keepalive_requests 1000000; open_file_cache max=10;"
            nginx.configure(
                f"{http} server {{ listen 127.0.0.1:{port}; root html; {locations} }}",
                main="master_process off;",
                level="error",
            )
            counts = [
                instructions(nginx, port, count, method, path, headers) for count in (FEW, MANY)
            ]
            cost[name] = (counts[1] - counts[0]) / (MANY - FEW)
            more = (
                f"  {cost[name] - cost[base]:+7.0f} ({cost[name] / cost[base] - 1:+.1%})"
                if base
                else ""
            )
            print(f"{name:38} {cost[name]:7.0f} instructions{more}", flush=True)
        (ROOT / "build").mkdir(exist_ok=True)
        (ROOT / "build/bench-nginx-instructions.json").write_text(json.dumps(cost, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
