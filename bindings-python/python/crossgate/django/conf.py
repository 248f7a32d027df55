"""The settings as a policy. They are compiled once, and again if a test changes one."""

# Django brings no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from .._crossgate import Counters, Policy, PolicyError, Problem, Responder, SharedPolicy
from .._options.origins import Origins, in_order
from .._options.paths import matcher
from .._options.problems import build
from .defaults import default_headers, default_methods
from .replies import Receivers

_NAMES = {
    "allow_methods": "CORS_ALLOW_METHODS",
    "allow_headers": "CORS_ALLOW_HEADERS",
    "expose_headers": "CORS_EXPOSE_HEADERS",
    "allow_credentials": "CORS_ALLOW_CREDENTIALS",
    "max_age": "CORS_PREFLIGHT_MAX_AGE",
    "allow_private_network": "CORS_ALLOW_PRIVATE_NETWORK",
    "dangerously_allow": "CORS_DANGEROUSLY_ALLOW",
}
_DEFAULTS: dict[str, Any] = {
    "CORS_ALLOWED_ORIGINS": (),
    "CORS_ALLOWED_ORIGIN_REGEXES": (),
    "CORS_ALLOW_ALL_ORIGINS": False,
    "CORS_ALLOW_METHODS": default_methods,
    "CORS_ALLOW_HEADERS": default_headers,
    "CORS_EXPOSE_HEADERS": (),
    "CORS_PREFLIGHT_MAX_AGE": 86400,
    "CORS_ALLOW_CREDENTIALS": False,
    "CORS_ALLOW_PRIVATE_NETWORK": False,
    "CORS_DANGEROUSLY_ALLOW": (),
    "CORS_URLS_REGEX": r"^.*$",
    "CORS_VERDICT_TIMEOUT": 5.0,
}
_ALIASES = {
    "CORS_ALLOWED_ORIGINS": "CORS_ORIGIN_WHITELIST",
    "CORS_ALLOWED_ORIGIN_REGEXES": "CORS_ORIGIN_REGEX_WHITELIST",
    "CORS_ALLOW_ALL_ORIGINS": "CORS_ORIGIN_ALLOW_ALL",
}
_REMOVED = ("CORS_MODEL", "CORS_REPLACE_HTTPS_REFERER")
_POLICY = "CROSSGATE_POLICY"
_COUNTERS = "CROSSGATE_COUNTERS"
# This setting says where the policy holds, so it may stand beside CROSSGATE_POLICY.
_WITH_POLICY = ("CORS_URLS_REGEX", "CORS_VERDICT_TIMEOUT")


_T = TypeVar("_T")


class SettingError(ImproperlyConfigured):
    """Settings with errors: the errors of single settings, and the problems of the policy."""

    def __init__(self, *wrong: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__("\n".join([*wrong, *map(str, problems)]))
        self.wrong = wrong
        self.problems = problems


class _Errors:
    """Collects the errors of several steps, each of which runs whatever the others found."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.problems: list[Problem] = []

    def attempt(self, step: Callable[[], _T]) -> _T:
        """What a step returns. The value is only valid after `raise_all`."""
        try:
            return step()
        except SettingError as error:
            self.wrong.extend(error.wrong)
            self.problems.extend(error.problems)
        except PolicyError as error:
            self.problems.extend(error.problems)
        return cast(_T, None)

    def raise_all(self) -> None:
        """Raises SettingError if there is any error."""
        if self.wrong or self.problems:
            raise SettingError(*self.wrong, problems=tuple(self.problems))


def is_set(name: str) -> bool:
    """Whether the project has this setting."""
    return hasattr(settings, name)


def _name(name: str) -> str:
    """The name under which the project has a setting, which may be an older one."""
    alias = _ALIASES.get(name, name)
    return alias if not is_set(name) and is_set(alias) else name


def _get(name: str) -> Any:
    return getattr(settings, _name(name), _DEFAULTS[name])


class Compiled:
    """The settings as a policy. Raises SettingError with every error."""

    def __init__(self) -> None:
        errors = _Errors()
        for name in _REMOVED:
            if is_set(name):
                errors.wrong.append(f"{name} is no setting any more; remove it")
        self.warnings: list[Problem] = []
        policy = errors.attempt(
            self._policy
            if not is_set(_POLICY)
            else lambda: _given_policy(settings.CROSSGATE_POLICY)
        )
        counters = errors.attempt(_counters)
        self.covers = errors.attempt(self._covers)
        timeout = errors.attempt(_verdict_timeout)
        errors.raise_all()
        live = policy.policy if isinstance(policy, SharedPolicy) else policy
        if is_set(_POLICY):
            self.warnings.extend(live.warnings)
        said = live.document()
        # Whether a `*` that another part of the site puts on a response is taken away.
        self.removes_public = said["upstream"] == "replace" and said["allow_origins"] != "*"
        self.responder = Responder(policy, lower=True, counters=counters)
        self.receivers = Receivers(timeout, counters)

    def _policy(self) -> Policy:
        errors = _Errors()
        origins = Origins(_name("CORS_ALLOWED_ORIGINS"))
        for place, origin in _items("CORS_ALLOWED_ORIGINS", (str,), errors):
            if origin == "*":
                errors.wrong.append(f"{place}: '*' is no origin; set CORS_ALLOW_ALL_ORIGINS = True")
            else:
                origins.add_exact(place, origin)
        for place, regex in _items("CORS_ALLOWED_ORIGIN_REGEXES", (str, re.Pattern), errors):
            origins.add_regex(place, regex)
        everybody = _get("CORS_ALLOW_ALL_ORIGINS")
        if not isinstance(everybody, bool):
            errors.wrong.append(
                f"{_name('CORS_ALLOW_ALL_ORIGINS')} must be a bool, not {type(everybody).__name__}"
            )
        elif everybody:
            # The lists are ignored then, as by django-cors-headers.
            origins = Origins(_name("CORS_ALLOW_ALL_ORIGINS"))
            origins.add_exact(origins.option, "*")
        # An empty list of methods or headers allows none. The signal may allow further origins.
        options = {
            **origins.options(),
            "allow_methods": _sequence("CORS_ALLOW_METHODS", errors),
            "allow_headers": _sequence("CORS_ALLOW_HEADERS", errors),
            "expose_headers": _sequence("CORS_EXPOSE_HEADERS", errors),
            "allow_credentials": _get("CORS_ALLOW_CREDENTIALS"),
            "max_age": _get("CORS_PREFLIGHT_MAX_AGE"),
            "allow_private_network": _get("CORS_ALLOW_PRIVATE_NETWORK"),
            "dangerously_allow": _get("CORS_DANGEROUSLY_ALLOW"),
            "origin_predicate": everybody is not True,
            "preflight_status": 200,
            "denied_preflight_status": 200,
        }
        policy = errors.attempt(
            lambda: build(
                options,
                {**_NAMES, **origins.names()},
                lambda path: is_set(path.partition("[")[0]),
                self.warnings.append,
            )
        )
        errors.raise_all()
        return policy

    @staticmethod
    def _covers() -> Callable[[str], bool | None] | None:
        """A function that says whether CORS_URLS_REGEX covers a path; None if it covers all."""
        urls = _get("CORS_URLS_REGEX")
        if not isinstance(urls, (str, re.Pattern)):
            raise SettingError(
                f"CORS_URLS_REGEX must be a str or re.Pattern, not {type(urls).__name__}"
            )
        try:
            return matcher(re.compile(urls))
        except re.error as error:
            raise SettingError(
                f"CORS_URLS_REGEX: {urls!r} is no regular expression: {error}"
            ) from None
        except ValueError as error:
            raise SettingError(f"CORS_URLS_REGEX: {error}") from None


def _sequence(name: str, errors: _Errors) -> list[Any]:
    """The values of a setting that is a list."""
    name, value = _name(name), _get(name)
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        errors.wrong.append(f"{name} must be a list or tuple, not {type(value).__name__}")
        return []
    return in_order(value)


def _items(name: str, types: tuple[type[Any], ...], errors: _Errors) -> list[tuple[str, Any]]:
    """The values of such a setting that have one of the types, each with its place."""
    found: list[tuple[str, Any]] = []
    for index, item in enumerate(_sequence(name, errors)):
        place = f"{_name(name)}[{index}]"
        if isinstance(item, types):
            found.append((place, item))
        else:
            wanted = " or ".join(kind.__name__ for kind in types)
            errors.wrong.append(f"{place} must be a {wanted}, not {type(item).__name__}")
    return found


def _verdict_timeout() -> float:
    """How many seconds a receiver may take whose reply must be awaited."""
    seconds = _get("CORS_VERDICT_TIMEOUT")
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0:
        return seconds
    raise SettingError(f"CORS_VERDICT_TIMEOUT must be a number of seconds above 0, not {seconds!r}")


def _counters() -> Counters | None:
    counters = getattr(settings, _COUNTERS, None)
    if counters is None or isinstance(counters, Counters):
        return counters
    raise SettingError(f"{_COUNTERS} must be a crossgate.Counters, not {type(counters).__name__}")


def _given_policy(value: Any) -> Policy | SharedPolicy:
    """CROSSGATE_POLICY: a Policy or SharedPolicy, its options as a dict, or a policy file."""
    others = [
        name
        for name in (*_DEFAULTS, *_ALIASES.values())
        if is_set(name) and name not in _WITH_POLICY
    ]
    if others:
        raise SettingError(f"{_POLICY} comes with all its options; remove {', '.join(others)}")
    if isinstance(value, (Policy, SharedPolicy)):
        return value
    if isinstance(value, Mapping):
        return Policy(**value)
    if isinstance(value, (str, os.PathLike)):
        try:
            return Policy.from_file(value)
        except OSError as error:
            raise SettingError(f"{_POLICY}: {error}") from None
    raise SettingError(
        f"{_POLICY} must be a crossgate.Policy, a crossgate.SharedPolicy, a dict or a file, "
        f"not {type(value).__name__}"
    )


class _Current:
    """Holds the compiled settings until one changes."""

    compiled: Compiled | None = None


def current() -> Compiled:
    """The compiled settings. Raises ImproperlyConfigured."""
    compiled = _Current.compiled
    if compiled is None:
        compiled = _Current.compiled = Compiled()
    return compiled


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith("CORS_") or setting in (_POLICY, _COUNTERS):
        _Current.compiled = None


setting_changed.connect(_forget, dispatch_uid="crossgate")
