"""CORS around any WSGI application.

application = CORSMiddleware(application, allow_origins=["https://app.example.com"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ._crossgate import Counters, Gate, Policy, SharedPolicy, Wsgi

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._crossgate import PolicyOptions

__all__ = ["CORSMiddleware"]

WSGIApplication = Callable[..., Iterable[bytes]]


class CORSMiddleware(Wsgi):
    """A WSGI application behind a policy: preflights are answered before it, and every response that it begins gets
    the headers.

    app: any WSGI callable. policy: a Policy or SharedPolicy; or its options as keyword arguments. ask: for a policy
    with host_origins, called with a well-formed origin that nothing else matched; only True allows. counters: count
    the decisions by reason. Raises PolicyError with every problem of the options.
    """

    def __init__(
        self,
        app: WSGIApplication,
        policy: Policy | SharedPolicy | None = None,
        *,
        ask: Callable[[str], bool] | None = None,
        counters: Counters | None = None,
        **options: Unpack[PolicyOptions],
    ) -> None:
        """Builds the policy."""
        if not callable(app):
            raise TypeError(f"app must be a WSGI application, not {type(app).__name__}")
        if ask is not None and not callable(ask):
            raise TypeError(f"ask must be callable, not {type(ask).__name__}")
        super().__init__(app, Gate(_policy_of(policy, options), ask=ask, counters=counters))


def _policy_of(policy: Policy | SharedPolicy | None, options: Any) -> Policy | SharedPolicy:
    """The policy itself, or the one that the options make."""
    if policy is None:
        return Policy(**options)
    if options:
        raise TypeError(f"policy comes with all its options; leave out {', '.join(options)}")
    return policy
