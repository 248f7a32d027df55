"""The middleware: first in MIDDLEWARE, so that every response passes it."""

# Django brings no types. pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false,
# reportUnknownVariableType=false pyright: reportUnknownArgumentType=false,
# reportUnknownParameterType=false, reportUntypedBaseClass=false

from __future__ import annotations

import inspect
import posixpath
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Union, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from .._crossgate import Answer
from .conf import Compiled, current
from .signals import check_request_enabled

if sys.version_info >= (3, 12):
    from inspect import iscoroutinefunction, markcoroutinefunction
else:
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction  # pyright: ignore[reportDeprecated]

GetResponse = Union[Callable[[HttpRequest], HttpResponseBase], Callable[[HttpRequest], Awaitable[HttpResponseBase]]]
Verdict = Literal["allow", "deny"]


class CorsMiddleware:
    """Answers preflights, and gives every response of the covered URLs its headers.

    Raises ImproperlyConfigured with everything that the settings have wrong.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response: Callable[[HttpRequest], Any] = get_response
        self._is_async = iscoroutinefunction(get_response)  # pyright: ignore[reportDeprecated]
        if self._is_async:
            markcoroutinefunction(self)
        # System checks do not run under gunicorn or uvicorn.
        current()

    def __call__(self, request: HttpRequest) -> Any:
        """Called by Django."""
        if self._is_async:
            return self.__acall__(request)
        compiled = current()
        if compiled.covers is not None and not _covers(compiled.covers, request.path_info):
            if not (check_request_enabled.receivers and self.check_signal(request)):
                return self.get_response(request)
            answer = compiled.gate.decide(request.META, _allow(compiled))
        elif compiled.takes_verdicts and (origin := self._asked(compiled, request)) is not None:
            allowed = _says(compiled, origin) or self.check_signal(request)
            answer = compiled.gate.decide(request.META, "allow" if allowed else "deny")
        else:
            answer = compiled.gate.decide(request.META)
        response = _answer(answer.status) if answer.status else self.get_response(request)
        _write(answer, response)
        return response

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        compiled = current()
        if compiled.covers is not None and not _covers(compiled.covers, request.path_info):
            if not (check_request_enabled.receivers and await self.acheck_signal(request)):
                return cast(HttpResponseBase, await self.get_response(request))
            answer = compiled.gate.decide(request.META, _allow(compiled))
        elif compiled.takes_verdicts and (origin := self._asked(compiled, request)) is not None:
            allowed = _says(compiled, origin) or await self.acheck_signal(request)
            answer = compiled.gate.decide(request.META, "allow" if allowed else "deny")
        else:
            answer = compiled.gate.decide(request.META)
        response: HttpResponseBase = _answer(answer.status) if answer.status else await self.get_response(request)
        _write(answer, response)
        return response

    def check_signal(self, request: HttpRequest) -> bool:
        """Whether a receiver of check_request_enabled allows the request."""
        return _any_true(check_request_enabled.send_robust(sender=None, request=request))

    async def acheck_signal(self, request: HttpRequest) -> bool:
        """The same where receivers may be coroutines; on a Django without `asend_robust` those are awaited here."""
        asend_robust = getattr(check_request_enabled, "asend_robust", None)
        if asend_robust is not None:
            return _any_true(await asend_robust(sender=None, request=request))
        replies = check_request_enabled.send_robust(sender=None, request=request)
        return _any_true(
            [(receiver, await value if inspect.isawaitable(value) else value) for receiver, value in replies]
        )

    @staticmethod
    def _asked(compiled: Compiled, request: HttpRequest) -> str | None:
        """The origin that code is asked about."""
        if compiled.asks is None and not check_request_enabled.receivers:
            return None
        return compiled.gate.asks(request.META)


def _covers(covers: Callable[[str], bool], path: str) -> bool:
    """Whether CORS_URLS_REGEX covers a path, read in any way."""
    if not covers(path):
        return False
    if "//" not in path and "/." not in path:
        return True
    plain = posixpath.normpath(path).strip("/")
    return covers(f"/{plain}/" if plain and path.endswith("/") else f"/{plain}")


def _says(compiled: Compiled, origin: str) -> bool:
    return compiled.asks is not None and compiled.asks(origin)


def _allow(compiled: Compiled) -> Verdict | None:
    return "allow" if compiled.takes_verdicts else None


def _any_true(replies: Any) -> bool:
    # A receiver that failed allows nothing; Django has logged it.
    return any(reply and not isinstance(reply, Exception) for _, reply in replies)


def _answer(status: int) -> HttpResponse:
    response = HttpResponse(status=status)
    del response.headers["Content-Type"]
    if status != 204:
        response.headers["content-length"] = "0"
    return response


def _write(answer: Answer, response: HttpResponseBase) -> None:
    # The dict behind the mapping: names and values come from the policy or matched it, so they need
    # no second check.
    answer.write(response.headers._store)  # pyright: ignore[reportPrivateUsage]
