"""Overrides of methods that a drop-in never calls, although the class it replaces does."""

from __future__ import annotations

from collections.abc import Mapping


def refuse_overrides(cls: type, replaced: Mapping[str, str]) -> None:
    """Raises TypeError if a new subclass overrides one of the peer's methods.

    An override that allows less would be passed over in silence. replaced: the names of methods,
    and what to use instead.
    """
    for name, instead in replaced.items():
        if name in vars(cls):
            raise TypeError(f"{cls.__name__}.{name} would never be called: use {instead}")
