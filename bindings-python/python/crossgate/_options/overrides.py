"""Overrides of methods that a drop-in never calls, although the class it replaces does."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getattr_static

_MISSING = object()


def refuse_overrides(cls: type, own: type, replaced: Mapping[str, str]) -> None:
    """Raises TypeError if a new subclass overrides one of the peer's methods.

    An override that allows less would be passed over in silence, also one that comes from another
    base class. own: the drop-in. replaced: the names of methods, and what to use instead.
    """
    for name, instead in replaced.items():
        if getattr_static(cls, name, _MISSING) is not getattr_static(own, name, _MISSING):
            raise TypeError(f"{cls.__name__}.{name} would never be called: use {instead}")
