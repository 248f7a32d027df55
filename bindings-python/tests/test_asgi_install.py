"""install(), and what a middleware keeps alive."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from asgi_calls import (
    ACEH,
    A,
    application,
    headers,
    origin,
    receive,
    run,
    scope,
)
from crossgate import PolicyError
from crossgate.asgi import CORSMiddleware, install


class Framework:
    """As much of Starlette as install() touches."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.middleware_stack: Any = None

    def build_middleware_stack(self) -> Any:
        return self.app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)


class TestInstall:
    def test_it_is_outermost(self) -> None:
        framework = Framework(application())
        install(framework, allow_origins=[A], expose_headers=["X-B"])
        assert (ACEH, b"X-B") in headers(framework, scope(origin(A)))

    def test_mistakes_are_raised_at_once(self) -> None:
        framework = Framework(application())
        with pytest.raises(PolicyError):
            install(framework, allow_origins=A)
        install(framework, allow_origins=[A])
        with pytest.raises(RuntimeError, match="installed on this application already"):
            install(framework, allow_origins=[A])

    def test_too_late(self) -> None:
        framework = Framework(application())
        run(framework, scope())
        with pytest.raises(RuntimeError, match="before the application has started"):
            install(framework, allow_origins=[A])

    def test_other_applications_are_wrapped(self) -> None:
        with pytest.raises(TypeError, match="not function: wrap it instead"):
            install(application(), allow_origins=[A])


def test_nothing_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """An application whose state reaches its own send is freed with its request."""
    caplog.set_level(logging.ERROR)

    class State:
        send: Callable[..., Any]

    states: list[weakref.ref[State]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        state = State()
        state.send = send
        scope["state"] = state
        states.append(weakref.ref(state))
        await send({"type": "http.response.start", "status": 200})

    class Server:
        def __init__(self, asked: Any) -> None:
            self.asked = asked

        async def send(self, message: Any) -> None:
            pass

    async def main() -> None:
        middleware = CORSMiddleware(app, [A])
        for _ in range(10):
            asked = scope(origin(A))
            await middleware(asked, receive, Server(asked).send)

    asyncio.run(main())
    gc.collect()
    assert [state() for state in states] == [None] * 10
