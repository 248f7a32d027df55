"""The options of CORS() and cross_origin(), which are those of flask-cors, as policies."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Union, cast
from weakref import WeakKeyDictionary

from flask import Flask

from .._crossgate import Counters, Policy, Responder, SharedPolicy
from .._options.origins import Origin, Origins, as_list, by_text, listed
from .._options.paths import PathPattern, is_regex, matcher
from .._options.predicate import Predicate
from .._options.problems import Problems, build

if TYPE_CHECKING:
    from typing import TypedDict

    class CrossOriginOptions(TypedDict, total=False):
        """The options of cross_origin()."""

        origins: Origin | Iterable[Origin]
        methods: str | Iterable[str]
        expose_headers: str | Iterable[str] | None
        allow_headers: str | Iterable[str]
        supports_credentials: bool
        max_age: timedelta | int | str | None
        send_wildcard: bool
        vary_header: bool
        automatic_options: bool
        always_send: bool
        allow_private_network: bool
        dangerously_allow: Iterable[str]
        policy: Policy | SharedPolicy
        counters: Counters

    class CORSOptions(CrossOriginOptions, total=False):
        """The options of CORS."""

        resources: Resources
        intercept_exceptions: bool


Resources = Union[PathPattern, "Iterable[PathPattern]", "Mapping[PathPattern, Mapping[str, Any]]"]

DEFAULTS: dict[str, Any] = {
    "origins": "*",
    "methods": ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"],
    "allow_headers": "*",
    "expose_headers": None,
    "supports_credentials": False,
    "max_age": None,
    "send_wildcard": False,
    "automatic_options": True,
    "vary_header": True,
    "resources": r"/*",
    "intercept_exceptions": True,
    "always_send": True,
    "allow_private_network": False,
    "dangerously_allow": (),
}
# Accepted for their callers. What they tell flask-cors to leave out, crossgate leaves out where
# that is safe.
_FLAGS = (
    "send_wildcard",
    "automatic_options",
    "vary_header",
    "intercept_exceptions",
    "always_send",
)
KNOWN = frozenset(DEFAULTS) | {"policy", "counters"}
OF_CORS_ONLY = frozenset({"resources", "intercept_exceptions"})
_OF_POLICY = (
    "allow_methods",
    "allow_headers",
    "expose_headers",
    "allow_credentials",
    "max_age",
    "allow_private_network",
    "dangerously_allow",
)
_NAMES = {"allow_methods": "methods", "allow_credentials": "supports_credentials"}
# With flask-cors it is Flask that answers OPTIONS, always with 200.
STATUSES: dict[str, Any] = {"preflight_status": 200, "denied_preflight_status": 200}


class Given:
    """Options, and the name of each where it was written."""

    def __init__(self, values: Mapping[Any, Any], called: Callable[[Any], str] = str) -> None:
        self.values: dict[Any, Any] = dict(values)
        self.names: dict[Any, str] = {name: called(name) for name in values}

    def over(self, others: Given) -> Given:
        """These options, and those of the others that are missing here."""
        merged = Given({**others.values, **self.values})
        merged.names = {**others.names, **self.names}
        return merged

    def name(self, option: str) -> str:
        return self.names.get(option, option)


def check_names(owner: str, given: Given, known: frozenset[str], problems: Problems) -> None:
    for name, value in given.values.items():
        if name not in known:
            problems.unknown(owner, given.names[name], name, value, known)


def config_options(app: Flask) -> Given:
    """The options in `app.config`. None there means unset."""
    config = cast("dict[str, Any]", app.config)
    found = {name: config.get(f"CORS_{name.upper()}") for name in DEFAULTS}
    return Given(
        {name: value for name, value in found.items() if value is not None},
        lambda name: f"CORS_{name.upper()}",
    )


def resources_of(given: Given, problems: Problems) -> list[tuple[str, PathPattern, Responder]]:
    """Paths and their responders. The value is only valid after `raise_all`."""
    resources: Any = given.values.get("resources", DEFAULTS["resources"])
    where = given.name("resources")
    by_path = _as_mapping(resources)
    if by_path is not None:
        found: list[tuple[str, PathPattern, Responder]] = []
        for pattern, options in by_path.items():
            option = f"{where}[{pattern!r}]"
            own = _as_mapping(options)
            if own is None:
                problems.wrong_type(option, "a dict of options", options)
            of_path = Given(own or {}, lambda name, option=option: f"{option}.{name}")  # type: ignore[misc]
            check_names(option, of_path, KNOWN - {"resources"}, problems)
            found.append(
                (
                    option,
                    _pattern(option, pattern, problems),
                    responder_of(of_path.over(given), problems),
                )
            )
        return found
    responder = responder_of(given, problems)
    patterns = as_list(
        where, resources, "a path (a str or re.Pattern), a dict of paths to options", problems
    )
    return [
        (option, _pattern(option, pattern, problems), responder) for option, pattern in patterns
    ]


def _as_mapping(value: object) -> Mapping[Any, Any] | None:
    return cast("Mapping[Any, Any]", value) if isinstance(value, Mapping) else None  # type: ignore[redundant-cast]


def _pattern(option: str, pattern: Any, problems: Problems) -> PathPattern:
    text: object = getattr(pattern, "pattern", pattern)
    if not isinstance(pattern, (str, re.Pattern)) or not isinstance(text, str):
        problems.wrong_type(option, "a str or a re.Pattern of one", text)
        return ""
    try:
        matcher(cast(PathPattern, pattern))
    except ValueError as error:
        problems.add("regex_invalid", option, text, str(error))
    return cast(PathPattern, pattern)


def responder_of(given: Given, problems: Problems) -> Responder:
    """The responder of merged options. The value is only valid after `raise_all`."""
    counters = given.values.get("counters")
    if counters is not None and not isinstance(counters, Counters):
        problems.wrong_type(given.name("counters"), "a crossgate.Counters", counters)
        counters = None
    if "policy" in given.values and not problems.unset(
        given.name("policy"), given.values["policy"]
    ):
        policy, predicate = _given_policy(given, problems), None
    else:
        policy, predicate = _policy(given, counters, problems)
    responder = policy and Responder(policy, origin_predicate=predicate, counters=counters)
    return cast(Responder, responder)


def _given_policy(given: Given, problems: Problems) -> Policy | SharedPolicy | None:
    for other in sorted(set(given.values) & set(DEFAULTS) - OF_CORS_ONLY - set(_FLAGS)):
        message = f"{given.name('policy')} comes with all its options; leave this one out"
        problems.add("option_type", given.name(other), given.values[other], message)
    policy = given.values["policy"]
    if isinstance(policy, (Policy, SharedPolicy)):
        return policy
    problems.wrong_type(
        given.name("policy"), "a crossgate.Policy or crossgate.SharedPolicy", policy
    )
    return None


def _policy(
    given: Given, counters: Counters | None, problems: Problems
) -> tuple[Policy | None, Predicate | None]:
    options = {**DEFAULTS, **given.values}
    for flag in _FLAGS:
        if not isinstance(options[flag], bool):
            problems.wrong_type(given.name(flag), "a bool", options[flag])
    # Left out it is "*".
    is_unset = problems.unset(given.name("origins"), options["origins"])
    origins = _origins(given.name("origins"), [] if is_unset else options["origins"], problems)
    names = origins.names()
    names.update((key, given.name(_NAMES.get(key, key))) for key in _OF_POLICY)

    def strings(option: str) -> list[tuple[str, Any]]:
        return as_list(given.name(option), options[option], "a str", problems)

    methods = [
        (place, item.upper() if isinstance(item, str) else item)
        for place, item in strings("methods")
    ]
    exposed = [] if options["expose_headers"] is None else strings("expose_headers")
    has_credentials = options["supports_credentials"] is True
    headers = _allow_headers(
        given.name("allow_headers"), strings("allow_headers"), has_credentials, problems
    )
    of_policy = {
        **origins.options(),
        "allow_methods": listed("allow_methods", by_text(methods), names),
        "allow_headers": listed("allow_headers", headers, names),
        "expose_headers": listed("expose_headers", by_text(exposed), names),
        "allow_credentials": options["supports_credentials"],
        "max_age": _max_age(options["max_age"]),
        "allow_private_network": options["allow_private_network"],
        "dangerously_allow": options["dangerously_allow"],
        **STATUSES,
    }
    written = tuple(given.names.values())
    policy = problems.attempt(
        lambda: build(of_policy, names, lambda path: path.startswith(written))
    )
    return policy, policy and origins.predicate(policy, counters)


def _origins(option: str, value: Any, problems: Problems) -> Origins:
    origins = Origins(option)
    for place, item in as_list(
        option, value, "an origin (a str, a re.Pattern or a function)", problems
    ):
        if isinstance(item, re.Pattern):
            origins.add_regex(place, cast("re.Pattern[str]", item))
        elif not isinstance(item, str):
            if callable(item):
                origins.add_predicate(cast(Predicate, item))
            else:
                problems.wrong_type(place, "a str, a re.Pattern or a function", item)
        elif item in ("*", ".*"):
            origins.add_exact(place, "*")
        elif is_regex(item) and not _IS_NO_REGEX.search(item):
            # flask-cors takes a string with such characters for a regex that ignores case. Origins
            # are in lower case, so only a regex with capitals needs the flag.
            has_capitals = item != item.lower() and not item.startswith("(?")
            origins.add_regex(place, item, "i" if has_capitals else "")
        else:
            origins.add_exact(place, item)
    return origins


# A star that repeats no class or group, or an IPv6 address. This is not meant as a regex, although
# flask-cors reads one.
_IS_NO_REGEX = re.compile(r"(?<![.\])}])(?<!\\.)\*|://\[[0-9A-Fa-f:.]+\](?::\d+)?$")


def _allow_headers(
    option: str, placed: list[tuple[str, Any]], has_credentials: bool, problems: Problems
) -> list[tuple[str, Any]]:
    names: list[tuple[str, Any]] = []
    for place, name in placed:
        if name in ("*", ".*"):
            names.append((place, "*"))
        elif isinstance(name, re.Pattern) or (isinstance(name, str) and is_regex(name)):
            message = "is a regex; list the header names, or '*' for all of them"
            problems.add("header_invalid", place, cast(object, name), message)
        else:
            names.append((place, name))
    # flask-cors allows Authorization under "*". Without credentials a literal "*" does not cover
    # it: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
    texts = [name.lower() for _, name in names if isinstance(name, str)]
    covered = has_credentials or "authorization" in texts
    return names if "*" not in texts or covered else [*names, (option, "Authorization")]


# Enough for any age. Python refuses to read numbers of thousands of digits.
_MOST_DIGITS = 18


def _max_age(value: Any) -> Any:
    """A number of seconds. A value of another type is returned as it is."""
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, str) and value.isdecimal() and len(value) <= _MOST_DIGITS:
        return int(value)
    return value


class ViewOptions:
    """The options of one cross_origin().

    They are completed by the config of each application, and compiled once for each.
    """

    def __init__(self, given: Given) -> None:
        self.given = given
        self._compiled: WeakKeyDictionary[Flask, tuple[Responder, bool]] = WeakKeyDictionary()
        self._lock = threading.Lock()
        # Problems that do not depend on the config are raised where the options are written.
        problems = Problems()
        check_names("cross_origin", given, KNOWN - OF_CORS_ONLY, problems)
        responder_of(
            given if "policy" in given.values else given.over(Given({"origins": _nobody})), problems
        )
        problems.raise_all()

    def of(self, app: Flask) -> tuple[Responder, bool]:
        with self._lock:
            compiled = self._compiled.get(app)
            if compiled is None:
                merged = self.given.over(config_options(app))
                problems = Problems()
                responder = responder_of(merged, problems)
                problems.raise_all()
                compiled = responder, bool(merged.values.get("automatic_options", True))
                self._compiled[app] = compiled
        return compiled


def _nobody(origin: str) -> bool:
    return False
