"""CORS for Flask, with the names and options of flask-cors.

    CORS(app, origins=["https://app.example.com"])

Headers reach every response, because the application's `wsgi_app` is wrapped: 404, 405, 500, static files, streams.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, Union, cast, overload
from weakref import WeakKeyDictionary, WeakSet

from flask import Blueprint, Flask, Response, after_this_request, current_app, has_request_context, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from ._crossgate import Counters, Gate, Policy, SharedPolicy, Wsgi
from ._origins import Origin, Origins, Predicate, as_list, by_text, listed
from ._paths import PathPattern, Paths, is_regex, matcher
from ._problems import Problems, build

if TYPE_CHECKING:
    from typing import TypedDict

    from flask.blueprints import BlueprintSetupState
    from typing_extensions import Unpack

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
        policy: Policy | SharedPolicy
        counters: Counters

    class CORSOptions(CrossOriginOptions, total=False):
        """The options of CORS."""

        resources: Resources
        intercept_exceptions: bool


__all__ = ["CORS", "cross_origin"]

Resources = Union[PathPattern, "Iterable[PathPattern]", "Mapping[PathPattern, Mapping[str, Any]]"]
View = TypeVar("View", bound=Callable[..., Any])

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
}
# Kept for their callers: what they tell flask-cors to leave out, crossgate leaves out where that is
# safe.
_FLAGS = ("send_wildcard", "automatic_options", "vary_header", "intercept_exceptions", "always_send")
_KNOWN = frozenset(DEFAULTS) | {"policy", "counters"}
_OF_CORS_ONLY = frozenset({"resources", "intercept_exceptions"})
_OF_POLICY = (
    "allow_methods",
    "allow_headers",
    "expose_headers",
    "allow_credentials",
    "max_age",
    "allow_private_network",
)
_NAMES = {"allow_methods": "methods", "allow_credentials": "supports_credentials"}
# flask-cors leaves preflights to Flask, which answers OPTIONS with 200, whatever CORS says.
_STATUSES: dict[str, Any] = {"preflight_status": 200, "denied_preflight_status": 200}
_EXTENSION = "crossgate"
# Where a view says which gate answers its request.
_GATE = "crossgate.gate"
_OPTIONS = "__crossgate__"


class CORS:
    """CORS for an application or a blueprint. Options come from `resources`, then the arguments, then `app.config`
    (`CORS_ORIGINS`, ...), then the defaults.

    resources: paths (strings, regexes, `re.Pattern`), or a dict of them to options; a path covers what is below it.
    origins: origins, regexes, `re.Pattern`s, functions of an origin; "*" for everybody. policy: a Policy or
    SharedPolicy in place of the options. counters: count the decisions.
    """

    def __init__(self, app: Flask | Blueprint | None = None, **options: Unpack[CORSOptions]) -> None:
        self._options: dict[str, Any] = dict(options)
        if app is not None:
            self.init_app(app)
            return
        problems = Problems()
        _check_names("CORS", _Given(self._options), _KNOWN, problems)
        problems.raise_all()

    def init_app(self, app: Flask | Blueprint, **options: Unpack[CORSOptions]) -> None:
        """Raises PolicyError with everything that the options have wrong; ValueError for a path that has other options
        already.
        """
        if not isinstance(app, (Flask, Blueprint)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"app must be a Flask application or a Blueprint, not {type(app).__name__}")
        given = _Given({**self._options, **options})
        if isinstance(app, Flask):
            given = given.over(_config(app))
        problems = Problems()
        _check_names("CORS", given, _KNOWN, problems)
        resources = _resources(given, problems)
        problems.raise_all()
        if isinstance(app, Flask):
            _Site.of(app).add(resources)
            return

        def register(state: BlueprintSetupState) -> None:
            # As endpoints begin.
            _Site.of(cast("Flask", state.app)).add_blueprint(f"{state.name_prefix}.{state.name}".lstrip("."), resources)

        app.record(register)


@overload
def cross_origin(view: View, /) -> View: ...
@overload
def cross_origin(**options: Unpack[CrossOriginOptions]) -> Callable[[View], View]: ...
def cross_origin(*args: Any, **options: Unpack[CrossOriginOptions]) -> Any:
    """A decorator for views, below `@app.route`: the same options without `resources`. What the view raises or aborts
    with gets the headers too.
    """
    if len(args) == 1 and not options and callable(args[0]):
        return cross_origin()(args[0])
    if args:
        raise TypeError("cross_origin() takes options by name: cross_origin(origins=[...])")
    view_options = _ViewOptions(_Given(dict(options)))

    def decorate(view: View) -> View:
        _Site.expect_views()
        if view_options.given.values.get("automatic_options", True) is not False:
            # Read by Flask when the route is added: OPTIONS comes to the view.
            required: set[str] = set(getattr(view, "required_methods", ()))
            _set(view, "required_methods", required | {"OPTIONS"})
            _set(view, "provide_automatic_options", False)

        @functools.wraps(view)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            app = cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]
            gate, automatic = view_options.of(app)
            # Before the view runs, so that what it raises is covered.
            if _EXTENSION in app.extensions:
                request.environ[_GATE] = gate
            else:
                _decide_after(gate)
            if automatic and request.method == "OPTIONS":
                return app.make_default_options_response()
            return app.ensure_sync(view)(*args, **kwargs)

        _set(wrapped, _OPTIONS, view_options)
        return cast(View, wrapped)

    return decorate


def _set(view: Callable[..., Any], name: str, value: Any) -> None:
    setattr(view, name, value)


def _decide_after(gate: Gate) -> None:
    """For an application whose wsgi_app is not wrapped. Runs for the responses of error handlers too."""
    answer = gate.decide(request.environ)

    @after_this_request
    def apply(response: Response) -> Response:
        response.headers = Headers(answer.apply(list(response.headers)))
        if answer.status:
            response.status_code = answer.status
        return response


class _ViewOptions:
    """The options of one cross_origin(), compiled once for each application, whose config they complete."""

    def __init__(self, given: _Given) -> None:
        self.given = given
        self._compiled: WeakKeyDictionary[Flask, tuple[Gate, bool]] = WeakKeyDictionary()
        self._lock = threading.Lock()
        # What is wrong whatever the config is said where it is written.
        problems = Problems()
        _check_names("cross_origin", given, _KNOWN - _OF_CORS_ONLY, problems)
        _gate(given if "policy" in given.values else given.over(_Given({"origins": _nobody})), problems)
        problems.raise_all()

    def of(self, app: Flask) -> tuple[Gate, bool]:
        with self._lock:
            compiled = self._compiled.get(app)
            if compiled is None:
                merged = self.given.over(_config(app))
                problems = Problems()
                gate = _gate(merged, problems)
                problems.raise_all()
                compiled = gate, bool(merged.values.get("automatic_options", True))
                self._compiled[app] = compiled
        return compiled


def _nobody(origin: str) -> bool:
    return False


class _Site:
    """The gates of one application: by path, by blueprint, by view."""

    # Whether there is any view with options of its own; until then no preflight needs a look at the
    # routes.
    _has_views = False
    _all: ClassVar[WeakSet[_Site]] = WeakSet()

    def __init__(self, app: Flask) -> None:
        self._app = app
        # A host that never says yes.
        self._nobody = Gate(Policy(host_origins=True, **_STATUSES))
        self._paths = _paths(self._nobody)
        self._blueprints: dict[str, Paths[Gate]] = {}
        self._wsgi = Wsgi(app.wsgi_app, routed=True)
        app.wsgi_app = self._wsgi  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
        app.extensions[_EXTENSION] = self
        _Site._all.add(self)

    @staticmethod
    def expect_views() -> None:
        if not _Site._has_views:
            _Site._has_views = True
            for site in list(_Site._all):
                site._configure()

    @staticmethod
    def of(app: Flask) -> _Site:
        site = app.extensions.get(_EXTENSION)
        return site if isinstance(site, _Site) else _Site(app)

    def add(self, resources: list[tuple[str, PathPattern, Gate]]) -> None:
        for option, pattern, gate in resources:
            self._paths.add(option, pattern, gate)
        self._configure()

    def add_blueprint(self, name: str, resources: list[tuple[str, PathPattern, Gate]]) -> None:
        paths = self._blueprints.setdefault(name, _paths(self._nobody))
        for option, pattern, gate in resources:
            paths.add(option, pattern, gate)
        self._configure()

    def _configure(self) -> None:
        everything = self._paths.everything()
        self._wsgi.configure(
            gate=everything,
            select=None if everything is not None else self._by_path,
            options=self._by_preflight if self._blueprints or _Site._has_views else None,
            late=self._by_blueprint if self._blueprints else None,
            routed=True,
        )

    def _by_path(self, environ: dict[str, Any]) -> Gate | None:
        return self._paths.of(_path(environ))

    def _by_preflight(self, environ: dict[str, Any]) -> Gate | None:
        """A preflight asks about the route of the method that follows it."""
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
        if isinstance(method, str):
            gate = self._by_route(environ, method)
            if gate is not None:
                return gate
        return self._by_path(environ)

    def _by_route(self, environ: dict[str, Any], method: str) -> Gate | None:
        try:
            adapter = self._app.create_url_adapter(self._app.request_class(environ))
        except (HTTPException, ValueError):
            return None
        for wanted in (method, "OPTIONS"):
            try:
                endpoint = adapter.match(method=wanted)[0] if adapter is not None else None
            except HTTPException:
                continue
            if endpoint is None:
                continue
            view = self._app.view_functions.get(endpoint)
            # A method of a class-based view may be decorated by itself.
            of_method = getattr(getattr(view, "view_class", None), method.lower(), None)
            for candidate in (of_method, view):
                options = getattr(candidate, _OPTIONS, None)
                if isinstance(options, _ViewOptions):
                    return self._of_view(options)
            names = endpoint.split(".")[:-1]
            return self._of_blueprints([".".join(names[:end]) for end in range(len(names), 0, -1)], environ)
        return None

    def _of_view(self, options: _ViewOptions) -> Gate:
        try:
            return options.of(self._app)[0]
        except (TypeError, ValueError):
            # The view itself says so again, on each of its requests.
            self._app.logger.exception(
                "cross_origin: its options and app.config make no policy; its preflights are denied"
            )
            return self._nobody

    def _by_blueprint(self) -> Gate | None:
        return self._of_blueprints(request.blueprints, request.environ) if has_request_context() else None

    def _of_blueprints(self, names: list[str], environ: dict[str, Any]) -> Gate | None:
        found = (self._blueprints[name].of(_path(environ)) for name in names if name in self._blueprints)
        return next((gate for gate in found if gate is not None), None)


def _path(environ: dict[str, Any]) -> str:
    """The path as Flask routes it: decoded once by the server, UTF-8."""
    path = environ.get("PATH_INFO", "")
    if not isinstance(path, str):
        return ""
    return "/" + path.encode("latin-1", "replace").decode("utf-8", "replace").lstrip("/")


def _paths(nobody: Gate) -> Paths[Gate]:
    return Paths(nobody, lambda one, other: one is other or one.same(other))


class _Given:
    """Options, and what each is called where it was written."""

    def __init__(self, values: Mapping[Any, Any], called: Callable[[Any], str] = str) -> None:
        self.values: dict[Any, Any] = dict(values)
        self.names: dict[Any, str] = {name: called(name) for name in values}

    def over(self, others: _Given) -> _Given:
        """These, and those of the others that are not among them."""
        merged = _Given({**others.values, **self.values})
        merged.names = {**others.names, **self.names}
        return merged

    def name(self, option: str) -> str:
        return self.names.get(option, option)


def _check_names(owner: str, given: _Given, known: frozenset[str], problems: Problems) -> None:
    for name, value in given.values.items():
        if name not in known:
            problems.unknown(owner, given.names[name], name, value, known)


def _config(app: Flask) -> _Given:
    """The options in `app.config`; None there is unset."""
    config = cast("dict[str, Any]", app.config)
    found = {name: config.get(f"CORS_{name.upper()}") for name in DEFAULTS}
    return _Given(
        {name: value for name, value in found.items() if value is not None}, lambda name: f"CORS_{name.upper()}"
    )


def _resources(given: _Given, problems: Problems) -> list[tuple[str, PathPattern, Gate]]:
    """Paths and their gates; to be used only behind `raise_all`."""
    resources: Any = given.values.get("resources", DEFAULTS["resources"])
    where = given.name("resources")
    by_path = _mapping(resources)
    if by_path is not None:
        found: list[tuple[str, PathPattern, Gate]] = []
        for pattern, options in by_path.items():
            option = f"{where}[{pattern!r}]"
            own = _mapping(options)
            if own is None:
                problems.wrong_type(option, "a dict of options", options)
            of_path = _Given(own or {}, lambda name, option=option: f"{option}.{name}")  # type: ignore[misc]
            _check_names(option, of_path, _KNOWN - {"resources"}, problems)
            found.append((option, _pattern(option, pattern, problems), _gate(of_path.over(given), problems)))
        return found
    gate = _gate(given, problems)
    patterns = as_list(where, resources, "a path (a str or re.Pattern), a dict of paths to options", problems)
    return [(option, _pattern(option, pattern, problems), gate) for option, pattern in patterns]


def _mapping(value: object) -> Mapping[Any, Any] | None:
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


def _gate(given: _Given, problems: Problems) -> Gate:
    """The gate of merged options; to be used only behind `raise_all`."""
    counters = given.values.get("counters")
    if counters is not None and not isinstance(counters, Counters):
        problems.wrong_type(given.name("counters"), "a crossgate.Counters", counters)
        counters = None
    if "policy" in given.values:
        policy, ask = _given_policy(given, problems), None
    else:
        policy, ask = _policy(given, problems)
    return cast(Gate, policy and Gate(policy, ask=ask, counters=counters))


def _given_policy(given: _Given, problems: Problems) -> Policy | SharedPolicy | None:
    for other in sorted(set(given.values) & set(DEFAULTS) - _OF_CORS_ONLY - set(_FLAGS)):
        message = f"{given.name('policy')} comes with all its options; leave this one out"
        problems.add("option_type", given.name(other), given.values[other], message)
    policy = given.values["policy"]
    if isinstance(policy, (Policy, SharedPolicy)):
        return policy
    problems.wrong_type(given.name("policy"), "a crossgate.Policy or crossgate.SharedPolicy", policy)
    return None


def _policy(given: _Given, problems: Problems) -> tuple[Policy | None, Predicate | None]:
    options = {**DEFAULTS, **given.values}
    for flag in _FLAGS:
        if not isinstance(options[flag], bool):
            problems.wrong_type(given.name(flag), "a bool", options[flag])
    origins = _origins(given.name("origins"), options["origins"], problems)
    names = origins.names()
    names.update((key, given.name(_NAMES.get(key, key))) for key in _OF_POLICY)

    def strings(option: str) -> list[tuple[str, Any]]:
        return as_list(given.name(option), options[option], "a str", problems)

    methods = [(place, item.upper() if isinstance(item, str) else item) for place, item in strings("methods")]
    exposed = [] if options["expose_headers"] is None else strings("expose_headers")
    has_credentials = options["supports_credentials"] is True
    headers = _allow_headers(given.name("allow_headers"), strings("allow_headers"), has_credentials, problems)
    of_policy = {
        **origins.options(),
        "allow_methods": listed("allow_methods", by_text(methods), names),
        "allow_headers": listed("allow_headers", headers, names),
        "expose_headers": listed("expose_headers", by_text(exposed), names),
        "allow_credentials": options["supports_credentials"],
        "max_age": _max_age(options["max_age"]),
        "allow_private_network": options["allow_private_network"],
        **_STATUSES,
    }
    written = tuple(given.names.values())
    policy = problems.attempt(lambda: build(of_policy, names, lambda path: path.startswith(written)))
    return policy, origins.verdict()


def _origins(option: str, value: Any, problems: Problems) -> Origins:
    origins = Origins(option)
    for place, item in as_list(option, value, "an origin (a str, a re.Pattern or a function)", problems):
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
            # As flask-cors: a string with such characters is a regex, in any case of letters.
            # Origins are in lower case, so that only a regex with capitals needs the flag.
            origins.add_regex(place, f"(?i){item}" if item != item.lower() and not item.startswith("(?") else item)
        else:
            origins.add_exact(place, item)
    return origins


# A star that repeats no class or group, and an IPv6 address: no regex is meant, whatever flask-cors
# makes of it.
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
    # Without credentials a literal "*" covers everything but Authorization, which flask-cors allows
    # under it.
    texts = [name.lower() for _, name in names if isinstance(name, str)]
    covered = has_credentials or "authorization" in texts
    return names if "*" not in texts or covered else [*names, (option, "Authorization")]


# No age is longer, and Python refuses to read numbers of thousands of digits.
_MOST_DIGITS = 18


def _max_age(value: Any) -> Any:
    """A number of seconds; anything else as it is."""
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, str) and value.isdecimal() and len(value) <= _MOST_DIGITS:
        return int(value)
    return value
