"""What people ask Starlette's `CORSMiddleware` for, answered from the policy.

The best-known use is a handler of unhandled errors that copies `simple_headers` onto its response.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._crossgate import Policy


class StarletteNames:
    """The attributes and methods of Starlette's middleware. With a SharedPolicy, as it is now."""

    @property
    def _asked_policy(self) -> Policy:
        policy: Policy = self.policy  # pyright: ignore
        return policy

    def _option(self, name: str) -> Any:
        return self._asked_policy.document()[name]

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether the policy allows an origin. Asks no `origin_predicate`."""
        return self._asked_policy.evaluate("GET", [("Origin", origin)]).allowed is True

    @property
    def simple_headers(self) -> dict[str, str]:
        """The headers of every response to an allowed origin that do not depend on the request."""
        return _without_vary(self._asked_policy._constant_headers(False))  # pyright: ignore[reportPrivateUsage]

    @property
    def preflight_headers(self) -> dict[str, str]:
        """The headers of every allowed preflight that do not depend on the request."""
        return dict(self._asked_policy._constant_headers(True))  # pyright: ignore[reportPrivateUsage]

    @property
    def allow_all_origins(self) -> bool:
        """Whether every origin is allowed."""
        return bool(self._option("allow_origins") == "*")

    @property
    def allow_all_headers(self) -> bool:
        """Whether every request-header name is allowed."""
        return "*" in self._option("allow_headers")

    @property
    def preflight_explicit_allow_origin(self) -> bool:
        """Whether an allowed preflight names the origin, rather than `*`."""
        return "Access-Control-Allow-Origin" not in self.preflight_headers

    @property
    def allow_origins(self) -> list[str]:
        """The origins and patterns, or `["*"]`."""
        return _list(self._option("allow_origins"))

    @property
    def allow_methods(self) -> list[str]:
        """The methods, or `["*"]`."""
        return _list(self._option("allow_methods"))

    @property
    def allow_headers(self) -> list[str]:
        """The names in lower case, sorted, or `["*"]`."""
        return sorted(name.lower() for name in _list(self._option("allow_headers")))

    @property
    def allow_credentials(self) -> bool:
        """Whether responses may be read with credentials."""
        return bool(self._option("allow_credentials"))

    @property
    def allow_private_network(self) -> bool:
        """Whether preflights for private networks are allowed."""
        return bool(self._option("allow_private_network"))

    def preflight_response(self, request_headers: Mapping[str, str]) -> Any:
        """The response to a preflight with these headers, as Starlette's `Response`."""
        from starlette.responses import Response

        decision = self._asked_policy.evaluate("OPTIONS", list(request_headers.items()))
        return Response(status_code=decision.status or 200, headers=dict(decision.headers))

    def __getattr__(self, name: str) -> Any:
        instead = _REPLACED.get(name)
        more = f": {instead}" if instead else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{more}")


_REPLACED = {
    "allow_origin_regex": "the regex is the engine's; ask is_allowed_origin(origin)",
    "allow_explicit_origin": "policy.evaluate(method, headers).apply(response_headers) sets it",
    "simple_response": "call the middleware itself",
    "send": "call the middleware itself",
}


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _without_vary(headers: list[tuple[str, str]]) -> dict[str, str]:
    # Starlette's has none; copied over a response's own, it would replace that.
    return {name: value for name, value in headers if name != "Vary"}
