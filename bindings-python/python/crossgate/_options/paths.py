"""Options that select a policy by path.

The path is the one that the framework has decoded. Matching is case-sensitive, respects the
boundaries of segments and prefers the most specific pattern. A path that can be read in two ways
gets the value that denies.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar, Union

from .._crossgate import PathRegex

PathPattern = Union[str, "re.Pattern[str]"]
T = TypeVar("T")

# flask-cors takes a string with one of these characters for a regex.
_REGEX = frozenset("*\\]?$^[]()")
_EVERYTHING = frozenset({"*", ".*", "/*", "/.*"})


def is_regex(text: str) -> bool:
    """Whether flask-cors takes a string as a regular expression."""
    return not _REGEX.isdisjoint(text)


def matcher(pattern: PathPattern) -> Callable[[str], bool | None] | None:
    """A function that says whether a path is below a pattern; None if every path is.

    The function answers None where nobody can say. Raises ValueError if the pattern is not a
    regular expression, or one that has no linear time.
    """
    text = pattern if isinstance(pattern, str) else pattern.pattern
    if isinstance(pattern, str) and not is_regex(pattern):
        return lambda path: path == text
    bare = text[
        text.startswith("^") : len(text) - (text.endswith("$") and not text.endswith("\\$"))
    ]
    if bare in _EVERYTHING:
        return None
    plain = isinstance(pattern, str)
    for ending, with_itself in (("/.*", False), ("/*", True)):
        head = bare[: -len(ending)]
        if plain and bare.endswith(ending) and not is_regex(head):
            below = head + "/"
            if with_itself:
                return lambda path: path == head or path.startswith(below)
            return lambda path: path.startswith(below)
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
    try:
        return PathRegex(regex).covers
    except ValueError as error:
        raise ValueError(f"{text!r} cannot select paths: {error}") from None


class Paths(Generic[T]):
    """Values by path.

    denied: the value of a path that leads to different values. same: whether two values are equal.
    """

    def __init__(self, denied: T, same: Callable[[T, T], bool]) -> None:
        self._denied = denied
        self._same = same
        self._rules: list[
            tuple[tuple[bool, int], PathPattern, Callable[[str], bool | None] | None, T]
        ] = []

    def add(self, option: str, pattern: PathPattern, value: T) -> None:
        """Adds a pattern. Raises ValueError if it was added before with a different value."""
        text = pattern if isinstance(pattern, str) else pattern.pattern
        for _, known, _, other in self._rules:
            if known == pattern and not self._same(other, value):
                raise ValueError(
                    f"{option}: {text!r} has other options already; give each path its options once"
                )
        literal = isinstance(pattern, str) and bool(pattern) and not is_regex(pattern)
        self._rules.append(((not literal, -text.count("/")), pattern, matcher(pattern), value))
        self._rules.sort(key=lambda rule: rule[0])

    def everything(self) -> T | None:
        """The value of every path; None if paths have different ones."""
        if not self._rules or any(rule[2] is not None for rule in self._rules):
            return None
        return self._rules[0][3] if self._agree(rule[3] for rule in self._rules) else None

    def of(self, path: str) -> T | None:
        """The value of a path; None if no pattern covers it."""
        found = self._find(path)
        if "//" in path or "/." in path:
            # Another layer may read this path in its shorter form.
            plain = posixpath.normpath(path).strip("/")
            other = self._find(f"/{plain}/" if plain and path.endswith("/") else f"/{plain}")
            if found is not other and (
                found is None or other is None or not self._same(found, other)
            ):
                return self._denied
        return found

    def _find(self, path: str) -> T | None:
        found: T | None = None
        rank: tuple[bool, int] | None = None
        for rule_rank, _, matches, value in self._rules:
            if rank is not None and rule_rank != rank:
                break
            covers = matches is None or matches(path)
            if covers is None:
                return self._denied
            if covers:
                if found is not None and not self._same(found, value):
                    return self._denied
                found, rank = value, rule_rank
        return found

    def _agree(self, values: Iterable[T]) -> bool:
        first, *others = values
        return all(self._same(first, other) for other in others)
