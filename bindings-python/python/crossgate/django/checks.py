"""System checks: every problem of the settings in one run."""

# Django brings no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from .._crossgate import Problem
from .conf import Compiled, SettingError


def check_settings(**_: Any) -> list[CheckMessage]:
    """The problems of the settings. An id is `crossgate.` and the code of the problem."""
    try:
        compiled = Compiled()
    except SettingError as error:
        wrong = [Error(text, id="crossgate.setting") for text in error.wrong]
        return [*wrong, *map(_message, error.problems)]
    return [*map(_message, compiled.warnings)]


def _message(problem: Problem) -> CheckMessage:
    kind = Error if problem.severity == "error" else Warning
    text = (
        f"{problem.path}: {problem.value}: {problem.message}"
        if problem.value
        else f"{problem.path}: {problem.message}"
    )
    return kind(text, hint=problem.hint and f"write {problem.hint}", id=f"crossgate.{problem.code}")
