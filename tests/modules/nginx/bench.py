"""Requests per second of nginx with and without the module, on a static file of one byte.

    .venv/bin/python tests/modules/nginx/bench.py [ROUNDS [SECONDS]]

All variants are measured in turn, round after round, so that what else the machine does hits all of
them. Printed are medians, of the latency its median and 99th percentile too, and the median of each
round's ratio to the server without, with whether it is within 2 %. That is said and not judged: the
exit status is 0 either way. The worker's processor time for a request is the steadier number where
other things run; instructions.py counts instructions, which nothing disturbs. Needs wrk (Debian:
wrk).
"""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from nginx_harness import Connection, Nginx, build, free_ports, missing

POLICY = {
    "allow_origins": ["https://a.example", "https://b.example", "https://c.example"],
    "allow_methods": ["PUT"],
    "allow_headers": ["Authorization", "Content-Type"],
    "expose_headers": ["X-Total", "X-Page"],
    "allow_credentials": True,
}
PATTERNED = POLICY | {"allow_origins": [*POLICY["allow_origins"], "https://*.wild.example"]}
PLAIN = "location / { } location /204 { return 204; }"
IDIOM = """
    location / {
        add_header Access-Control-Allow-Origin $listed always;
        add_header Access-Control-Allow-Credentials $credentials always;
        add_header Access-Control-Expose-Headers "X-Total, X-Page" always;
        add_header Vary Origin always;
    }
    location /preflight {
        add_header Access-Control-Allow-Origin $listed always;
        add_header Access-Control-Allow-Credentials $credentials always;
        add_header Access-Control-Allow-Methods PUT always;
        add_header Access-Control-Allow-Headers "Authorization, Content-Type" always;
        add_header Vary "Origin, Access-Control-Request-Method" always;
        return 204;
    }
"""
MODULE = "crossgate_policy cors.json; location / { }"
MAPS = """
    map $http_origin $listed { default ""; https://a.example https://a.example;
        https://b.example https://b.example; }
    map $listed $credentials { default true; "" ""; }
"""
ORIGIN = ["-H", "Origin: https://b.example"]
PATTERN = ["-H", "Origin: https://x.wild.example"]
DENIED = ["-H", "Origin: https://evil.example"]
PREFLIGHT = [*ORIGIN, "-H", "Access-Control-Request-Method: PUT", "-s"]


def worker_seconds(nginx: Nginx) -> float:
    """The processor time that the only worker has used."""
    assert nginx.process
    children = (
        pathlib.Path(f"/proc/{nginx.process.pid}/task/{nginx.process.pid}/children")
        .read_text()
        .split()
    )
    fields = pathlib.Path(f"/proc/{children[0]}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def latency(output: str, percentile: int) -> float:
    """Microseconds, as wrk prints them: 412.00us, 1.02ms."""
    value, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)\b", output).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def main() -> int:
    rounds, seconds = ([int(argument) for argument in sys.argv[1:]] + [7, 3][len(sys.argv) - 1 :])[
        :2
    ]
    reason = missing() or (None if shutil.which("wrk") else "wrk is not installed (Debian: wrk)")
    if reason:
        print(reason)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        script = place / "options.lua"
        script.write_text('wrk.method = "OPTIONS"\n')
        module = build(place / "build")
        ports = dict(zip(("plain", "idiom", "module", "pattern"), free_ports(4), strict=True))
        # Without the module at all, and with it: each its own nginx, one worker, the other core for
        # wrk.
        servers = {
            "plain": (None, "", PLAIN),
            "idiom": (None, MAPS, IDIOM),
            "module": (module, "", MODULE),
            "pattern": (module, "", MODULE),
        }
        running = {}
        for name, (loaded, maps, locations) in servers.items():
            nginx = Nginx(place / name, loaded, workers=1)
            nginx.write("cors.json", PATTERNED if name == "pattern" else POLICY)
            nginx.write("html/x", "x")
            http = f"{maps} keepalive_requests 1000000000; open_file_cache max=10;"
            nginx.configure(
                f"{http} server {{ listen 127.0.0.1:{ports[name]}; root html; {locations} }}",
                level="error",
            )
            nginx.start(ports[name])
            running[name] = nginx
        # The server, what is asked of it, and what it is compared with.
        variants = {
            "no Origin, without the module": ("plain", "/x", [], None),
            "no Origin, with it": ("module", "/x", [], "no Origin, without the module"),
            "allowed, without the module": ("plain", "/x", ORIGIN, None),
            "allowed, map and add_header": ("idiom", "/x", ORIGIN, "allowed, without the module"),
            "allowed, with it": ("module", "/x", ORIGIN, "allowed, without the module"),
            # A worker remembers listed origins, never one that a pattern allows: each request is
            # decided anew.
            "allowed by a pattern, with it": (
                "pattern",
                "/x",
                PATTERN,
                "allowed, without the module",
            ),
            "denied, with it": ("module", "/x", DENIED, "allowed, without the module"),
            "preflight, return 204": ("plain", "/204", PREFLIGHT, None),
            "preflight, add_header and return 204": (
                "idiom",
                "/preflight",
                PREFLIGHT,
                "preflight, return 204",
            ),
            "preflight, with it": ("module", "/x", PREFLIGHT, "preflight, return 204"),
        }
        found: dict[str, list[float]] = {name: [] for name in variants}
        spent: dict[str, list[float]] = {name: [] for name in variants}
        latencies: dict[str, list[list[float]]] = {name: [] for name in variants}
        try:
            for server, origin in (
                ("module", "https://b.example"),
                ("pattern", "https://x.wild.example"),
            ):
                with Connection(ports[server]) as connection:
                    answer = connection.ask("GET", "/x", ("Origin", origin))
                assert answer.cors["access-control-allow-origin"] == origin
            for _ in range(rounds):
                for name, (server, path, options, _) in variants.items():
                    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", *options]
                    if "-s" in options:
                        command.append(str(script))
                    url = f"http://127.0.0.1:{ports[server]}{path}"
                    before = worker_seconds(running[server])
                    output = subprocess.run(
                        [*command, url], capture_output=True, text=True, check=True
                    ).stdout
                    assert "Non-2xx" not in output, output
                    count = int(re.search(r"(\d+) requests in", output)[1])
                    spent[name].append((worker_seconds(running[server]) - before) / count * 1e6)
                    found[name].append(float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]))
                    latencies[name].append([latency(output, percentile) for percentile in (50, 99)])
        finally:
            for nginx in running.values():
                nginx.stop()
    print(
        f"wrk -t1 -c16 -d{seconds}s, one nginx worker, medians of {rounds} interleaved rounds "
        f"(lowest to highest)"
    )
    for name, values in found.items():
        rate, cost = statistics.median(values), statistics.median(spent[name])
        half, most = (statistics.median(column) for column in zip(*latencies[name], strict=True))
        base = variants[name][3]
        ratios = (
            [value / other for value, other in zip(values, found[base], strict=True)]
            if base
            else []
        )
        ratio = ""
        if ratios:
            middle = statistics.median(ratios)
            within = "within 2 %" if abs(middle - 1) <= 0.02 else "not within 2 %"
            ratio = f", x {middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f}), {within}"
        print(
            f"{name:38} {rate:6.0f} requests/s ({min(values):.0f} to {max(values):.0f}){ratio}; "
            f"latency {half:.0f} and {most:.0f} us; {cost:5.2f} us of the worker"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
