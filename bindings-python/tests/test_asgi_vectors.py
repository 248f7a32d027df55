"""The vectors that every language runs, through the ASGI middleware.

They test its own reading of scopes, its templates and its preflight cache.
"""

from __future__ import annotations

import asyncio
import pathlib
from typing import Any

import pytest
from crossgate import Policy
from crossgate.asgi import CORSMiddleware
from decision_vectors import FILES, vectors, with_own


def encoded(pairs: list[Any]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def spellings(pairs: list[list[str]]) -> list[Any]:
    """The same headers as servers and test clients have them."""
    plain = encoded(pairs)
    noise = [
        (b"accept", b"*/*"),
        (b"sec-fetch-mode", b"cors"),
        (b"x-" + b"y" * 60, b""),
        (b"", b""),
    ]
    return [
        plain,
        tuple(plain),
        [[name, value] for name, value in plain],
        [(name.upper(), value) for name, value in plain],
        [(name, value) for name, value in pairs],
        [
            (name, value) if index % 2 else encoded([(name, value)])[0]
            for index, (name, value) in enumerate(pairs)
        ],
        [*noise, *plain, *noise],
    ]


async def receive() -> Any:
    raise AssertionError("nothing is read")


def ask(middleware: CORSMiddleware, asked: dict[str, Any]) -> dict[str, Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        await middleware(asked, receive, send)

    asyncio.run(main())
    return sent[0]  # type: ignore[no-any-return]


def responding(own: list[tuple[bytes, bytes]]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": own})
        await send({"type": "http.response.body", "body": b""})

    return app


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vectors(path: pathlib.Path) -> None:
    count = 0
    for vector in vectors(path):
        request, expected = vector["request"], vector["decision"]
        policy = Policy(**vector["policy"])
        verdict = request.get("verdict")
        more: dict[str, Any] = {}
        if policy.document()["origin_predicate"]:
            more["origin_predicate"] = {"allow": lambda _: True}.get(verdict, lambda _: False)
        headers, status = encoded(expected["headers"]), expected["status"] or 299
        middleware = CORSMiddleware(responding([]), policy=policy, **more)
        whole = with_own(vector)
        for spelled in spellings(request["headers"]):
            asked = {"type": "http", "method": request["method"], "headers": spelled}
            for _ in range(2):  # the second time it may be remembered
                start = ask(middleware, asked)
                got = [pair for pair in start["headers"] if pair[0] != b"content-length"]
                assert (start["status"], got) == (status, headers), (vector, spelled)
            if whole is not None:
                own, becomes = whole
                start = ask(CORSMiddleware(responding(encoded(own)), policy=policy, **more), asked)
                assert dict(start["headers"]) == dict(encoded(list(becomes.items()))), (
                    vector,
                    spelled,
                )
        count += 1
    assert count > 100
