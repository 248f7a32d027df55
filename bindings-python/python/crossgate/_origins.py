"""Origins as the peers' options have them: exact ones, regexes, `re.Pattern` values and predicates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Union, cast

from ._crossgate import Policy, PolicyError, Problem
from ._predicate import ask
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
        for key, places in (("allow_origins", self.entries), ("allow_origin_regexes", self.regexes)):
            names[key] = self.option
            names.update((f"{key}[{index}]", place) for index, (place, _) in enumerate(places))
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


def as_list(option: str, value: object, kinds: str) -> list[tuple[str, Any]]:
    """The values of an option that takes one or several, each with its place. kinds: what may stand there."""
    if isinstance(value, (str, re.Pattern)) or callable(value):
        return [(option, value)]
    if isinstance(value, (bytes, bytearray, dict)) or not isinstance(value, Iterable):
        raise TypeError(f"{option} must be {kinds}, or a list of them, not {type(cast(object, value)).__name__}")  # type: ignore[redundant-cast]
    values = in_order(cast("Iterable[Any]", value))  # type: ignore[redundant-cast]
    return [(f"{option}[{index}]", item) for index, item in enumerate(values)]


def build(options: dict[str, Any], names: dict[str, str], is_given: Callable[[str], bool] = bool) -> Policy:
    """A policy from its own options; its problems name those of the drop-in.

    names: for an option, or an entry of one, what the drop-in calls it. is_given: whether an option was written, rather
    than left to its default, for whose warnings nobody asked.
    """
    try:
        return Policy(**options)
    except PolicyError as error:
        renamed_ones = (_renamed(problem, names) for problem in error.problems)
        problems = tuple(p for p in renamed_ones if p.severity == "error" or is_given(p.path.partition("[")[0]))
    errors = sum(problem.severity == "error" for problem in problems)
    lines = [f"invalid CORS policy: {errors} error{'s' * (errors != 1)}", *map(str, problems)]
    renamed = PolicyError("\n  ".join(lines))
    renamed.problems = problems
    raise renamed


def _renamed(problem: Problem, names: dict[str, str]) -> Problem:
    key, bracket, rest = problem.path.partition("[")
    path = names.get(problem.path) or names.get(key, key) + bracket + rest
    return Problem(problem.severity, problem.code, path, problem.value, problem.message, problem.hint)
