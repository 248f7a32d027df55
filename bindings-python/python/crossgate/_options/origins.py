"""Origins in the options of other packages: exact origins, regexes, patterns and functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Union, cast

from .._crossgate import Counters, Policy, PythonRegex
from .predicate import Predicate, ask
from .problems import Problems

Regex = Union[str, "re.Pattern[str]"]
Origin = Union[str, "re.Pattern[str]", Predicate]


class Origins:
    """Origins, sorted by what they are."""

    def __init__(self, option: str) -> None:
        self.option = option
        self.any = False
        self.null = False
        # Each text with its place among the values of the option.
        self.entries: list[tuple[str, str]] = []
        self.regexes: list[tuple[str, PythonRegex | re.Pattern[str]]] = []
        self.predicates: list[Predicate] = []

    def options(self) -> dict[str, Any]:
        """The options of a policy.

        Without any origin the policy takes verdicts. There is no predicate that gives one, so it
        denies every origin.
        """
        nobody = not (self.any or self.null or self.entries or self.regexes)
        return {
            "allow_origins": "*"
            if self.any and not self.entries
            else [*(["*"] * self.any), *(e for _, e in self.entries)],
            "allow_origin_regexes": [regex for _, regex in self.regexes],
            "allow_null_origin": self.null,
            "origin_predicate": bool(self.predicates) or nobody,
        }

    def predicate(self, policy: Policy, counters: Counters | None) -> Predicate | None:
        """The function that gives the verdicts of a policy; None without one."""
        predicates = tuple(self.predicates)
        if not predicates:
            return None
        judge = policy._judge  # pyright: ignore[reportPrivateUsage]

        def allows(predicate: Predicate, origin: str) -> bool:
            allowed = ask(predicate, origin, judge)
            if allowed is None and counters is not None:
                counters.record_predicate_failed()
            return allowed is True

        return lambda origin: any(allows(predicate, origin) for predicate in predicates)

    def names(self) -> dict[str, str]:
        """The places of the policy's values among the values of this option."""
        names = {"allow_null_origin": self.option, "origin_predicate": self.option}
        for key, placed in (
            ("allow_origins", self.entries),
            ("allow_origin_regexes", self.regexes),
        ):
            names[key] = self.option
            listed(key, placed, names)
        return names

    def add_exact(self, place: str, origin: str) -> None:
        """Adds an origin, `*`, `null` or a pattern of the engine."""
        if origin == "*":
            self.any = True
        elif origin == "null":
            self.null = True
        else:
            self.entries.append((place, origin))

    def add_regex(self, place: str, regex: Regex, flags: str = "") -> None:
        """Adds a regex that must match the whole origin."""
        self.regexes.append((place, as_regex(regex, flags)))

    def add_predicate(self, predicate: Predicate) -> None:
        """Adds a function of an origin. An exception that it raises is logged, and denies."""
        self.predicates.append(predicate)


def as_regex(regex: Regex, flags: str = "") -> PythonRegex | re.Pattern[str]:
    """A regex that the engine reads by Python's rules; it reads a string by its own."""
    return PythonRegex(regex, flags) if isinstance(regex, str) else regex


def in_order(values: Iterable[Any]) -> list[Any]:
    """The values in an order that is the same in every process, which a set's own is not."""
    return sorted(values, key=repr) if isinstance(values, (set, frozenset)) else list(values)


def as_list(option: str, value: object, kinds: str, problems: Problems) -> list[tuple[str, Any]]:
    """The values of an option that takes one or several, each with its place.

    kinds: what the option takes, for messages.
    """
    if isinstance(value, (str, re.Pattern)) or callable(value):
        return [(option, value)]
    if isinstance(value, (bytes, bytearray, memoryview, Mapping)) or not isinstance(
        value, Iterable
    ):
        problems.wrong_type(option, f"{kinds}, or a list of them", cast(object, value))  # type: ignore[redundant-cast]
        return []
    values = in_order(cast("Iterable[Any]", value))  # type: ignore[redundant-cast]
    return [(f"{option}[{index}]", item) for index, item in enumerate(values)]


def by_text(placed: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Values with their places, in the order of their texts."""
    return sorted(placed, key=lambda one: one[1] if isinstance(one[1], str) else "")


def listed(key: str, placed: list[tuple[str, Any]], names: dict[str, str]) -> list[Any]:
    """The values of a policy's option. Adds the place of each to `names`."""
    names.update((f"{key}[{index}]", place) for index, (place, _) in enumerate(placed))
    return [value for _, value in placed]
