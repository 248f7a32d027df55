"""What the ASGI middleware returns where it has something to wait for before the application is asked, or is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._predicate import Predicate, ask_async

if TYPE_CHECKING:
    from ._crossgate import ASGIMiddleware
    from .asgi import Receive, Send


async def ask(
    middleware: ASGIMiddleware,
    predicate: Predicate,
    timeout: float | None,
    origin: str,
    scope: dict[str, Any],
    receive: Receive,
    send: Send,
) -> None:
    """Goes on with what the predicate says of the origin."""
    allowed = await ask_async(predicate, origin, timeout)
    await middleware.decided(scope, receive, send, allowed)


async def close(scope: dict[str, Any], send: Send) -> None:
    """Refuses a WebSocket handshake: with 403 and nothing else where the server can, else as it does by itself."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": "origin not allowed"})
        return
    await send({"type": "websocket.http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
    await send({"type": "websocket.http.response.body", "body": b""})
