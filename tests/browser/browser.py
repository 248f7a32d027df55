"""A real Chromium that runs one page under several origins and tells what its scripts could see."""

from __future__ import annotations

import html
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import urllib.parse
from typing import Any

PROBE = pathlib.Path(__file__).with_name("probe.html").read_bytes()
SECONDS = 300
# Root has no sandbox; the other flags keep Chromium from calling home.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
]
CONSOLE = re.compile(r':CONSOLE[^"]*"(.*?)", source: ', re.DOTALL)

# Each origin of a page, and how its frame comes to have it. The host of a URL is the frame's own.
FRAMES = {
    "allowed": ("localhost", ""),
    "denied": ("127.0.0.1", ""),
    "opaque": ("localhost", "allow-scripts"),
}


class Pages(http.server.ThreadingHTTPServer):
    """Serves the frames on every loopback name and takes what they report."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: dict[str, dict[str, Any]] = {}
        self.complete = threading.Event()
        self.outer = b""

    def url(self, host: str, path: str = "/") -> str:
        return f"http://{host}:{self.server_address[1]}{path}"

    def frame(self, name: str, cases: list[dict[str, Any]]) -> str:
        host, sandbox = FRAMES[name]
        fragment = json.dumps(
            {"frame": name, "report": self.url("127.0.0.1", "/report"), "cases": cases}
        )
        source = html.escape(f"{self.url(host)}#{urllib.parse.quote(fragment)}")
        return f'<iframe src="{source}"{f" sandbox={sandbox}" if sandbox else ""}></iframe>'


class Handler(http.server.BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        self.answer(self.server.outer if self.path == "/frames" else PROBE)

    def do_POST(self) -> None:
        seen = self.server.seen
        seen[self.path.rsplit("/", 1)[1]] = json.loads(
            self.rfile.read(int(self.headers["Content-Length"]))
        )
        self.answer(b"")
        if seen.keys() == FRAMES.keys():
            self.server.complete.set()

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def look(
    cases: dict[str, list[dict[str, Any]]], profile: pathlib.Path
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Runs each frame's cases, `{"url", "init"}`.

    Returns what each frame saw by URL, and the lines of the console.
    """
    log = profile / "chromium.log"
    with Pages() as pages, log.open("wb") as output:
        pages.outer = "".join(pages.frame(name, cases[name]) for name in FRAMES).encode()
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        command = [
            "chromium",
            *FLAGS,
            f"--user-data-dir={profile}",
            pages.url("localhost", "/frames"),
        ]
        browser = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=output, start_new_session=True
        )
        try:
            complete = pages.complete.wait(SECONDS)
        finally:
            os.killpg(browser.pid, signal.SIGTERM)
            browser.wait(timeout=120)
            pages.shutdown()
    text = log.read_text(errors="replace")
    assert complete, f"after {SECONDS} s only {sorted(pages.seen)} had reported:\n{text[-4000:]}"
    return pages.seen, CONSOLE.findall(text)
