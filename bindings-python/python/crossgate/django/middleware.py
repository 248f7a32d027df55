"""The middleware. It stands first in MIDDLEWARE, so that every response passes it."""

# Django brings no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false

from __future__ import annotations

import posixpath
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Union, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from .._crossgate import NeedsVerdict, Outcome
from .._options.overrides import refuse_overrides
from .conf import current

if sys.version_info >= (3, 12):
    from inspect import iscoroutinefunction, markcoroutinefunction
else:
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction  # pyright: ignore[reportDeprecated]

GetResponse = Union[
    Callable[[HttpRequest], HttpResponseBase],
    Callable[[HttpRequest], Awaitable[HttpResponseBase]],
]


class CorsMiddleware:
    """Answers preflights, and puts the CORS headers on every response of the covered URLs.

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
        covered = _covers(compiled.covers, request.path_info)
        if not covered and not self.check_signal(request):
            return self.get_response(request)
        outcome = compiled.responder.begin(request.META)
        if isinstance(outcome, NeedsVerdict):
            # A receiver has allowed the request already if its path is not covered.
            allowed = not covered or self.check_signal(request)
            outcome = outcome.resume(allowed)
        response = _answer(outcome.status) if outcome.status else self.get_response(request)
        _write(outcome, response)
        return response

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        compiled = current()
        covered = _covers(compiled.covers, request.path_info)
        if not covered and not await self.acheck_signal(request):
            return cast(HttpResponseBase, await self.get_response(request))
        outcome = compiled.responder.begin(request.META)
        if isinstance(outcome, NeedsVerdict):
            # As in __call__.
            allowed = not covered or await self.acheck_signal(request)
            outcome = outcome.resume(allowed)
        response: HttpResponseBase = (
            _answer(outcome.status) if outcome.status else await self.get_response(request)
        )
        _write(outcome, response)
        return response

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        refuse_overrides(cls, CorsMiddleware, _OF_CORSHEADERS)

    def check_signal(self, request: HttpRequest) -> bool:
        """Whether a receiver of check_request_enabled allows the request."""
        return current().receivers.allow(request)

    async def acheck_signal(self, request: HttpRequest) -> bool:
        """As check_signal, on an event loop."""
        return await current().receivers.aallow(request)


_OF_CORSHEADERS = {
    "is_enabled": "CORS_URLS_REGEX, or the signal check_request_enabled",
    "check_preflight": "CROSSGATE_POLICY",
    "add_response_headers": "CROSSGATE_POLICY, or a middleware outside",
    "origin_found_in_white_lists": "the signal check_request_enabled",
    "regex_domain_match": "CORS_ALLOWED_ORIGIN_REGEXES",
    "regex_url_allow_list_match": "CORS_URLS_REGEX",
    "_url_in_whitelist": "CORS_ALLOWED_ORIGINS",
    "_https_referer_replace": "CSRF_TRUSTED_ORIGINS",
    "https_referer_replace_reverse": "CSRF_TRUSTED_ORIGINS",
    "process_request": "__call__",
    "process_response": "__call__",
    "process_view": "__call__",
}


def _covers(covers: Callable[[str], bool | None] | None, path: str) -> bool:
    """Whether CORS_URLS_REGEX covers a path, in its longer and in its shorter form."""
    if covers is None:
        return True
    if not covers(path):
        return False
    if "//" not in path and "/." not in path:
        return True
    plain = posixpath.normpath(path).strip("/")
    return covers(f"/{plain}/" if plain and path.endswith("/") else f"/{plain}") is True


def _answer(status: int) -> HttpResponse:
    response = HttpResponse(status=status)
    del response.headers["Content-Type"]
    if status != 204:
        response.headers["content-length"] = "0"
    return response


def _write(outcome: Outcome, response: HttpResponseBase) -> None:
    # The dict behind the mapping, which checks what it is given: these names and values come from
    # the policy or have matched it.
    outcome.write(response.headers._store)  # pyright: ignore[reportPrivateUsage]
