"""Origin predicates: functions of the application that are asked about an origin.

What they answer is read by the engine. A failure, and what is no answer, denies and is logged.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Union

Predicate = Callable[[str], Any]
"""What is asked about an origin.

It answers True, the origin, a compiled regex or a list of the two, or something awaitable that
becomes one of them.
"""

Judge = Callable[[str, object], "tuple[bool, str | None]"]
"""The engine's: whether an answer allows an origin, and what is wrong with the answer."""

# None: the predicate failed, or its answer means nothing.
Allowed = Union[bool, None]

logger = logging.getLogger("crossgate")


def ask(predicate: Predicate, origin: str, judge: Judge) -> Allowed:
    """Calls a predicate where nothing can be awaited."""
    try:
        answer = predicate(origin)
    except Exception:
        _report(origin)
        return None
    return _judged(judge, origin, answer)


async def ask_async(
    predicate: Predicate, origin: str, timeout: float | None, judge: Judge
) -> Allowed:
    """Calls a predicate, and awaits its answer for `timeout` seconds."""
    try:
        answer = _called(predicate, origin)
        if inspect.isawaitable(answer):
            answer = await within(answer, timeout)
    except Exception:
        _report(origin)
        return None
    return _judged(judge, origin, answer)


def judged_now(policy: Any, origin: str, answer: object) -> Allowed:
    """What an answer means to a policy, where nothing can be awaited."""
    return _judged(policy._judge, origin, answer)


def _called(predicate: Predicate, origin: str) -> Any:
    try:
        return predicate(origin)
    except asyncio.CancelledError:
        # Nobody has cancelled the request: nothing was awaited yet.
        raise RuntimeError("the origin predicate raised CancelledError") from None


def _judged(judge: Judge, origin: str, answer: object) -> Allowed:
    try:
        if inspect.isawaitable(answer):
            discard(answer)
            raise TypeError(
                "an origin predicate that must be awaited cannot be used here: "
                "make it a plain function"
            )
        allowed, fault = judge(origin, answer)
    except Exception:
        _report(origin)
        return None
    if fault is None:
        return allowed
    logger.warning("the origin predicate was asked about %s: %s", origin, fault)
    return True if allowed else None


def discard(answer: object) -> None:
    """Closes a coroutine that nobody awaits, so that Python does not warn of it too."""
    if inspect.iscoroutine(answer):
        answer.close()


def _report(origin: str) -> None:
    # The origin is well-formed, because predicates see no other: it cannot forge a line of the log.
    logger.warning("the origin predicate failed for %s, which is denied", origin, exc_info=True)


async def within(answer: Awaitable[Any], timeout: float | None) -> Any:
    """What an awaitable becomes. Raises TimeoutError, or trio's TooSlowError, after its time."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Not asyncio, so it is trio, the other event loop of ASGI servers.
        if timeout is None:
            return await answer
        trio = sys.modules["trio"]
        with trio.fail_after(timeout):
            return await answer
    # A task of its own: one that swallows its cancellation is left behind, and one that cancels
    # itself does not cancel the request.
    task = asyncio.ensure_future(answer)
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.add_done_callback(_forget)
        task.cancel()
        raise TimeoutError(f"no answer within {timeout} seconds")
    if task.cancelled():
        raise RuntimeError("the answer was cancelled")
    return task.result()


def _forget(task: asyncio.Future[Any]) -> None:
    # Looked at, so that asyncio does not log what it raised.
    if not task.cancelled():
        task.exception()
