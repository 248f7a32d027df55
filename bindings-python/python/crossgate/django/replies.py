"""What the receivers of check_request_enabled reply. Only True allows.

A coroutine is true in Python, and so is nearly everything else that a receiver may return by
mistake: what is awaitable is awaited, and what is not True denies and is logged.
"""

# Django brings no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import inspect
import logging
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest

from .._crossgate import Counters
from .._options.predicate import discard, within
from .signals import check_request_enabled

logger = logging.getLogger("crossgate")


def _has_coroutine_functions() -> bool:
    """Whether a Django since 5.0 would await a receiver itself."""
    live: Any = getattr(check_request_enabled, "_live_receivers", None)
    receivers = live(None) if callable(live) else ()
    return isinstance(receivers, tuple) and len(receivers) == 2 and bool(receivers[1])


class Receivers:
    """Asks the receivers about a request; `timeout` seconds for what must be awaited."""

    def __init__(self, timeout: float, counters: Counters | None) -> None:
        self._timeout = timeout
        self._counters = counters

    def allow(self, request: HttpRequest) -> bool:
        """Whether one of them allows the request."""
        if not check_request_enabled.receivers:
            return False
        if _has_coroutine_functions():
            # The signal would await them for as long as they take.
            try:
                return async_to_sync(self.aallow)(request)
            except RuntimeError as error:
                # There is an event loop in this thread, which waits for us.
                return self._allows("check_request_enabled", error)
        replies = check_request_enabled.send_robust(sender=None, request=request)
        # Every reply is looked at, so that no coroutine is left behind.
        allowing = [self._allows(receiver, self._awaited(reply)) for receiver, reply in replies]
        return any(allowing)

    async def aallow(self, request: HttpRequest) -> bool:
        """As allow(), on an event loop."""
        if not check_request_enabled.receivers:
            return False
        asend_robust = getattr(check_request_enabled, "asend_robust", None)
        if asend_robust is None:
            # A Django before 5.0 leaves coroutines to the caller.
            replies = check_request_enabled.send_robust(sender=None, request=request)
        else:
            try:
                replies = await within(asend_robust(sender=None, request=request), self._timeout)
            except Exception as error:
                return self._allows("check_request_enabled", error)
        allowing = [
            self._allows(receiver, await self._aawaited(reply)) for receiver, reply in replies
        ]
        return any(allowing)

    def _awaited(self, reply: Any) -> Any:
        """What a reply becomes, or the exception that came of it."""
        if not inspect.isawaitable(reply):
            return reply
        try:
            return async_to_sync(within)(reply, self._timeout)
        except Exception as error:
            discard(reply)
            return error

    async def _aawaited(self, reply: Any) -> Any:
        if not inspect.isawaitable(reply):
            return reply
        try:
            return await within(reply, self._timeout)
        except Exception as error:
            return error

    def _allows(self, receiver: object, reply: object) -> bool:
        if reply is True:
            return True
        if reply is False or reply is None:
            return False
        if isinstance(reply, Exception):
            logger.warning(
                "the receiver %r of check_request_enabled failed, so that it allows nothing",
                receiver,
                exc_info=reply,
            )
        else:
            logger.warning(
                "the receiver %r of check_request_enabled returned a value of type %s, "
                "which allows nothing: return True or False",
                receiver,
                type(reply).__name__,
            )
        if self._counters is not None:
            self._counters.record_predicate_failed()
        return False
