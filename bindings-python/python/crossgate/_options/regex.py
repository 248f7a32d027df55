"""Python's regular expressions as the engine's, where both have one meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Union

from .._crossgate import Policy, PolicyError

Regex = Union[str, "re.Pattern[str]"]

# Syntax that both engines accept with different meanings: possessive repetitions, operators on
# character classes.
_READ_OTHERWISE = re.compile(r"[*+?}]\+|&&|--|~~|\[\[|\\[<>bBZz]|\(\?[a-z]*x")
_FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}


def split(regexes: Iterable[Any]) -> tuple[list[Any], list[re.Pattern[str]]]:
    """The regexes that the engine can run, and those that only Python can run.

    The engine runs them in linear time and checks what they let in. Python does neither.
    """
    engine: list[Any] = []
    python: list[re.Pattern[str]] = []
    for regex in regexes:
        text = _translated(regex)
        if text is not None and _compiles(text):
            engine.append(text)
            continue
        compiled: re.Pattern[Any] | None
        try:
            compiled = re.compile(regex)
        except (re.error, TypeError):
            compiled = None
        if compiled is not None and isinstance(compiled.pattern, str):
            python.append(compiled)
        else:
            # Not a regex for Python either, or one of bytes. The engine says what is wrong with it.
            engine.append(regex)
    return engine, python


def _translated(regex: Any) -> str | None:
    text: Any = getattr(regex, "pattern", regex)
    flags: int = getattr(regex, "flags", 0)
    if not isinstance(text, str) or flags & re.VERBOSE or _READ_OTHERWISE.search(text):
        return None
    letters = "".join(letter for flag, letter in _FLAGS.items() if flags & flag)
    # Python accepts flags in the text at its start only, so these can stand before them.
    return f"(?{letters}){text}" if letters else text


def _compiles(text: str) -> bool:
    try:
        Policy(allow_origin_regexes=[text])
    except PolicyError as error:
        return all(problem.code != "regex_invalid" for problem in error.problems)
    return True


def matcher(patterns: list[re.Pattern[str]]) -> Callable[[str], bool]:
    """A predicate that allows an origin if one of the patterns matches all of it."""
    return lambda origin: any(pattern.fullmatch(origin) for pattern in patterns)
