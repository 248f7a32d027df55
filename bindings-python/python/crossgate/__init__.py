"""One CORS engine for every server: correct to the Fetch standard, and safe by construction."""

from ._crossgate import (
    PUBLIC_SUFFIX_LIST_DATE,
    Counters,
    Decision,
    Policy,
    PolicyError,
    Problem,
    ShadowDifference,
    ShadowRequest,
    SharedPolicy,
    __version__,
)

__all__ = [
    "PUBLIC_SUFFIX_LIST_DATE",
    "Counters",
    "Decision",
    "Policy",
    "PolicyError",
    "Problem",
    "ShadowDifference",
    "ShadowRequest",
    "SharedPolicy",
    "__version__",
]
