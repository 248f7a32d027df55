"""Scopes and applications for the tests of the ASGI middleware, and calls of it."""

from __future__ import annotations

import asyncio
from typing import Any

A, B, EVIL = "https://a.example", "https://b.example", "https://evil.example"
ACAO, ACAC, ACEH, VARY = (
    b"access-control-allow-origin",
    b"access-control-allow-credentials",
    b"access-control-expose-headers",
    b"vary",
)
TYPE = (b"content-type", b"text/plain")


def scope(*headers: Any, method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": "/", "headers": list(headers), **more}


def origin(value: str) -> tuple[bytes, bytes]:
    return b"origin", value.encode("latin-1")


def preflight(value: str, method: str = "PUT", *headers: Any) -> dict[str, Any]:
    return scope(
        origin(value),
        (b"access-control-request-method", method.encode()),
        *headers,
        method="OPTIONS",
    )


def application(headers: Any = (TYPE,), seen: list[Any] | None = None, **start: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if seen is not None:
            seen.append(scope)
        message = {"type": "http.response.start", "status": 200, **start}
        if headers is not None:
            message["headers"] = headers
        await send(message)
        await send({"type": "http.response.body", "body": b"body"})

    return app


async def receive() -> Any:
    raise AssertionError("nothing is read")


def run(app: Any, asked: Any) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        await app(asked, receive, send)

    asyncio.run(main())
    return sent


def headers(app: Any, asked: Any) -> list[Any]:
    return run(app, asked)[0]["headers"]
