"""One CORS engine for every server: correct to the Fetch standard, safe by construction, able to explain itself."""

from ._crossgate import Decision, Policy, PolicyError, Problem, __version__

__all__ = ["Decision", "Policy", "PolicyError", "Problem", "__version__"]
