"""Origins as the peers' options have them: exact ones, regexes, `re.Pattern` values and predicates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Union, cast

from ._predicate import ask
from ._problems import Problems
from ._regex import matcher, split

Predicate = Callable[[str], bool]
Origin = Union[str, "re.Pattern[str]", Predicate]


class Origins:
    """Origins, sorted by who matches them: the engine, or Python where only Python can."""

    def __init__(self, option: str) -> None:
        self.option = option
        self.any = False
        self.null = False
        # Each with its place among the values of the option.
        self.entries: list[tuple[str, str]] = []
        self.regexes: list[tuple[str, str]] = []
        self.predicates: list[Predicate] = []

    def options(self) -> dict[str, Any]:
        """The options of a policy. Nothing at all is nobody, which only a host without a verdict says."""
        nobody = not (self.any or self.null or self.entries or self.regexes)
        return {
            "allow_origins": "*"
            if self.any and not self.entries
            else [*(["*"] * self.any), *(e for _, e in self.entries)],
            "allow_origin_regexes": [regex for _, regex in self.regexes],
            "allow_null_origin": self.null,
            "host_origins": bool(self.predicates) or nobody,
        }

    def verdict(self) -> Predicate | None:
        """The host's verdict."""
        if len(self.predicates) == 1:
            return self.predicates[0]
        predicates = tuple(self.predicates)
        return (lambda origin: any(predicate(origin) for predicate in predicates)) if predicates else None

    def names(self) -> dict[str, str]:
        """Where the entries of a policy's options stand in the values of this one."""
        names = {"allow_null_origin": self.option, "host_origins": self.option}
        for key, placed in (("allow_origins", self.entries), ("allow_origin_regexes", self.regexes)):
            names[key] = self.option
            listed(key, placed, names)
        return names

    def add_exact(self, place: str, origin: str) -> None:
        """An origin, `*`, `null` or one of the engine's own patterns."""
        if origin == "*":
            self.any = True
        elif origin == "null":
            self.null = True
        else:
            self.entries.append((place, origin))

    def add_regex(self, place: str, regex: str | re.Pattern[str]) -> None:
        """A regex that must match the whole origin."""
        engine, python = split([regex])
        self.regexes.extend((place, text) for text in engine)
        if python:
            self.predicates.append(matcher(python))

    def add_predicate(self, predicate: Predicate) -> None:
        """A function of an origin; what it raises is logged, and denies."""
        self.predicates.append(partial(ask, predicate))


def in_order(values: Iterable[Any]) -> list[Any]:
    """A set's order changes from process to process; the headers of two workers must not."""
    return sorted(values, key=repr) if isinstance(values, (set, frozenset)) else list(values)


def as_list(option: str, value: object, kinds: str, problems: Problems) -> list[tuple[str, Any]]:
    """The values of an option that takes one or several, each with its place. kinds: what may stand there."""
    if isinstance(value, (str, re.Pattern)) or callable(value):
        return [(option, value)]
    if isinstance(value, (bytes, bytearray, memoryview, Mapping)) or not isinstance(value, Iterable):
        problems.wrong_type(option, f"{kinds}, or a list of them", cast(object, value))  # type: ignore[redundant-cast]
        return []
    values = in_order(cast("Iterable[Any]", value))  # type: ignore[redundant-cast]
    return [(f"{option}[{index}]", item) for index, item in enumerate(values)]


def by_text(placed: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Placed values in the order of their texts."""
    return sorted(placed, key=lambda one: one[1] if isinstance(one[1], str) else "")


def listed(key: str, placed: list[tuple[str, Any]], names: dict[str, str]) -> list[Any]:
    """The values of a policy's option; `names` then has the place of each."""
    names.update((f"{key}[{index}]", place) for index, (place, _) in enumerate(placed))
    return [value for _, value in placed]
