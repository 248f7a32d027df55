"""CORS for any WSGI application.

application = CORSMiddleware(application, allow_origins=["https://app.example.com"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import signature
from typing import TYPE_CHECKING, Any

from ._crossgate import Counters, Policy, Responder, SharedPolicy, WSGIMiddleware
from ._options.problems import build

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._crossgate import PolicyOptions

__all__ = ["CORSMiddleware"]

WSGIApplication = Callable[..., Iterable[bytes]]


class CORSMiddleware(WSGIMiddleware):
    """Answers preflights and puts the CORS headers on every response of a WSGI application.

    app: any WSGI callable. policy: a Policy or SharedPolicy; or give its options as keyword
    arguments. origin_predicate: a function that is called with well-formed origins that nothing
    else matched; it answers as that of `crossgate.asgi`, at once. A policy given as `policy` calls
    it if it was built with origin_predicate=True. counters: counts the decisions by reason.

    Raises PolicyError with every problem of the options.
    """

    def __init__(
        self,
        app: WSGIApplication,
        policy: Policy | SharedPolicy | None = None,
        *,
        origin_predicate: Callable[[str], bool] | None = None,
        counters: Counters | None = None,
        **options: Unpack[PolicyOptions],
    ) -> None:
        """Builds the policy."""
        if not callable(app):
            raise TypeError(f"app must be a WSGI application, not {type(app).__name__}")
        if origin_predicate is not None and not callable(origin_predicate):
            raise TypeError(
                f"origin_predicate must be callable, not {type(origin_predicate).__name__}"
            )
        if policy is None:
            own = {**options, "origin_predicate": origin_predicate is not None}
            policy = build(own, {}, lambda path: True)
        elif options:
            raise TypeError(f"policy comes with all its options; leave out {', '.join(options)}")
        responder = Responder(policy, origin_predicate=origin_predicate, counters=counters)
        super().__init__(app, responder)
        # A native object has no signature of its own.
        vars(self)["__signature__"] = _SIGNATURE


def _called(environ: dict[str, Any], start_response: Callable[..., Any]) -> None: ...


_SIGNATURE = signature(_called)
