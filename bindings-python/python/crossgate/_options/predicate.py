"""Origin predicates: functions of the application that say whether an origin is allowed.

Every answer that is not True denies.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Union

Predicate = Callable[[str], Union[bool, Awaitable[bool]]]
"""Whether an origin is allowed. It may be a coroutine function."""

logger = logging.getLogger("crossgate")


def ask(predicate: Predicate, origin: str) -> bool:
    """Calls a predicate where nothing can be awaited."""
    try:
        answer = predicate(origin)
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise TypeError(
                "an origin predicate that must be awaited cannot be used here: "
                "make it a plain function"
            )
        return _is_true(answer)
    except Exception:
        _report(origin)
        return False


async def ask_async(predicate: Predicate, origin: str, timeout: float | None) -> bool:
    """Calls a predicate, and awaits its answer for `timeout` seconds."""
    try:
        answer: Any = predicate(origin)
        if inspect.isawaitable(answer):
            answer = await _within(answer, timeout)
        return _is_true(answer)
    except Exception:
        _report(origin)
        return False


def _is_true(answer: object) -> bool:
    if isinstance(answer, bool):
        return answer
    raise TypeError(f"an origin predicate returns True or False, not {type(answer).__name__}")


def _report(origin: str) -> None:
    # The origin is well-formed, because predicates see no other: it cannot forge a line of the log.
    logger.warning("the origin predicate failed for %s, which is denied", origin, exc_info=True)


async def _within(answer: Awaitable[Any], timeout: float | None) -> Any:
    if timeout is None:
        return await answer
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Not asyncio, so it is trio, the other event loop of ASGI servers.
        trio = sys.modules["trio"]
        with trio.fail_after(timeout):
            return await answer
    return await asyncio.wait_for(answer, timeout)
