"""The coroutines of the ASGI middleware, for requests that have to wait before the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ._options.predicate import Predicate, ask_async

if TYPE_CHECKING:
    from ._crossgate import PendingRequest


async def ask(
    pending: PendingRequest, predicate: Predicate, timeout: float | None, origin: str
) -> None:
    """Asks the predicate about the origin, and goes on with the request."""
    judge = pending._judge  # pyright: ignore[reportPrivateUsage]
    allowed = await ask_async(predicate, origin, timeout, judge)
    await pending._resume(allowed)  # pyright: ignore[reportPrivateUsage]


async def close(scope: dict[str, Any], send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Refuses a WebSocket handshake.

    With a bare 403 where the server can send a response, else as the server refuses by itself.
    """
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": "origin not allowed"})
        return
    headers = [(b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})
