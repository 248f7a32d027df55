"""One CORS engine for every server: correct to the Fetch standard, safe by construction, able to explain itself."""

from ._crossgate import Counters, Decision, Policy, PolicyError, Problem, SharedPolicy, __version__

__all__ = ["Counters", "Decision", "Policy", "PolicyError", "Problem", "SharedPolicy", "__version__"]
