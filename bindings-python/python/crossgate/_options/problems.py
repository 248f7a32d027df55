"""Problems of a drop-in's options: all found in one pass, under the names that were typed."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from .._crossgate import (
    Policy,
    PolicyError,
    Problem,
    unset_option,
)

_T = TypeVar("_T")
_LONGEST = 200

logger = logging.getLogger("crossgate")


class Problems:
    """Collects the problems of several steps, each of which runs whatever the others found."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._omitted = 0

    def add(
        self, code: str, path: str, value: object, message: str, hint: str | None = None
    ) -> None:
        """Adds an error about an option that the policy does not know."""
        self._extend([Problem("error", code, path, _shown(value), message, hint)])

    def wrong_type(self, path: str, expected: str, value: object) -> None:
        """Adds an error about a value of a wrong type."""
        self.add("option_type", path, value, f"must be {expected}, not {type(value).__name__}")

    def unknown(
        self, owner: str, path: str, name: object, value: object, known: Iterable[str]
    ) -> None:
        """Adds an error about an option that the owner does not have."""
        near = difflib.get_close_matches(str(name), known, 1)
        message = f"{owner} has no option {name!r}" + (
            "" if near else f"; it takes {', '.join(sorted(known))}"
        )
        self.add("unknown_option", path, value, message, near[0] if near else None)

    def unset(self, path: str, value: object) -> bool:
        """Adds an error if an option was written without a value, and has to have one.

        It has to where leaving it out would let somebody in. Returns whether there is an error.
        """
        if value is not None and not (isinstance(value, str) and not value.strip()):
            return False
        problem = unset_option(path, value or "")
        if problem is None:
            return False
        self._extend([problem])
        return True

    def attempt(self, step: Callable[[], _T]) -> _T:
        """What a step returns. The value is only valid after `raise_all`."""
        try:
            return step()
        except PolicyError as error:
            self._extend(error.problems)
            self._omitted += error.omitted
        return cast(_T, None)

    def raise_all(self) -> None:
        """Raises PolicyError if there is any error."""
        if any(problem.severity == "error" for problem in self._found):
            raise policy_error(self._found, self._omitted)

    def _extend(self, problems: Iterable[Problem]) -> None:
        # Several policies may share an option, and then have the same problem.
        self._found.extend(problem for problem in problems if problem not in self._found)


def policy_error(problems: Iterable[Problem], omitted: int = 0) -> PolicyError:
    """An exception with the text of the engine's own. omitted: more of them are only counted."""
    problems = tuple(problems)
    errors = sum(problem.severity == "error" for problem in problems)
    lines = [f"invalid CORS policy: {errors} error{'s' * (errors != 1)}", *map(str, problems)]
    if omitted:
        lines.append(f"and {omitted} more")
    error = PolicyError("\n  ".join(lines))
    error.problems = problems
    error.omitted = omitted
    return error


def _log(warning: Problem) -> None:
    logger.warning("CORS: %s", warning)


def build(
    options: dict[str, Any],
    names: dict[str, str],
    is_given: Callable[[str], bool],
    tell: Callable[[Problem], object] = _log,
) -> Policy:
    """Builds a policy of its own options. The problems name the options of the drop-in.

    names: what the drop-in calls an option, or an entry of one. is_given: whether someone wrote the
    value with this name. Warnings about defaults are left out. tell: gets each of the others.
    """
    try:
        policy = Policy(**options)
        for warning in policy.warnings:
            renamed = _renamed(warning, names)
            if is_given(renamed.path):
                tell(renamed)
        return policy
    except PolicyError as error:
        problems = [_renamed(problem, names) for problem in error.problems]
        omitted = error.omitted
    raise policy_error(
        (problem for problem in problems if problem.severity == "error" or is_given(problem.path)),
        omitted,
    )


def _renamed(problem: Problem, names: dict[str, str]) -> Problem:
    key, bracket, rest = problem.path.partition("[")
    path = names.get(problem.path) or names.get(key, key) + bracket + rest
    return Problem(
        problem.severity, problem.code, path, problem.value, problem.message, problem.hint
    )


def _shown(value: object) -> str:
    """A value as a problem shows it: shortened, and escaped so that it cannot forge a log line."""
    value = getattr(value, "pattern", value)
    if value is None:
        return ""
    if isinstance(value, str):
        return ascii(value[:_LONGEST])[1:-1][:_LONGEST] + "..." * (len(value) > _LONGEST)
    is_short = isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64)
    return str(value) if is_short else type(value).__name__
