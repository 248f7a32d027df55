"""A server that asks crossgate: a plain ASGI application on uvicorn.

python server.py --policy policy.json [--port 8000]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from crossgate import Policy, PolicyError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

DATA_METHODS = {"GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"}


def handler(method: str, path: str) -> tuple[int, Headers, bytes]:
    """The application. It knows nothing of CORS; only /upstream sets headers of its own."""
    if path == "/data" and method in DATA_METHODS:
        return 200, [(b"content-type", b"application/json")], b'{"ok":true}\n'
    if path == "/upstream":
        headers = [
            (b"content-type", b"text/plain"),
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", b"X-Own"),
            (b"vary", b"Accept-Encoding"),
        ]
        return 200, headers, b"upstream\n"
    if path == "/error":
        return 500, [(b"content-type", b"text/plain")], b"error\n"
    return 404, [(b"content-type", b"text/plain")], b"not found\n"


class App:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        decision = self.policy.evaluate(method, scope["headers"])
        if decision.status is not None:  # answer or reject: the handler never sees it
            headers: Headers = [] if decision.status == 204 else [(b"content-length", b"0")]
            status, body = decision.status, b""
        else:
            status, headers, body = handler(method, path)
            headers.append((b"content-length", str(len(body)).encode()))
        await send(
            {"type": "http.response.start", "status": status, "headers": decision.apply(headers)}
        )
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


class Server(uvicorn.Server):
    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            print(f"listening on 127.0.0.1:{port}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="A test server.")
    parser.add_argument("--policy", required=True, help="a .json or .toml file")
    parser.add_argument("--port", type=int, default=8000, help="0: any free one")
    arguments = parser.parse_args()
    try:
        policy = Policy.from_file(arguments.policy)
    except (PolicyError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for warning in policy.warnings:
        print(warning, file=sys.stderr)
    config = uvicorn.Config(
        App(policy),
        host="127.0.0.1",
        port=arguments.port,
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    # uvicorn shuts down at either signal and then raises it again; neither is a failure here.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve())
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
