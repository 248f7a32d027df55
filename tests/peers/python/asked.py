"""Requests of the comparison tests, with their headers by keyword."""

from __future__ import annotations

from compare import Request


def headers(**given: str) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in given.items())


def preflight(
    origin: str | None, method: str, names: str | None = None, path: str = "/api/x", **more: str
) -> Request:
    asked = {"Access_Control_Request_Method": method, **more}
    if origin is not None:
        asked["Origin"] = origin
    if names is not None:
        asked["Access_Control_Request_Headers"] = names
    return Request("OPTIONS", path, headers(**asked))
