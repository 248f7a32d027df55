"""CORS for Flask, with the names and options of flask-cors.

    CORS(app, origins=["https://app.example.com"])

Headers reach every response, because the application's `wsgi_app` is wrapped: 404, 405, 500, static files, streams.
"""

from __future__ import annotations

import difflib
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
from ._origins import Origin, Origins, Predicate, as_list, build
from ._paths import PathPattern, Paths, is_regex

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
# Kept for their callers: what they tell flask-cors to leave out, crossgate leaves out where that is safe.
_FLAGS = ("send_wildcard", "automatic_options", "vary_header", "intercept_exceptions", "always_send")
_KNOWN = frozenset(DEFAULTS) | {"policy", "counters"}
_OF_CORS_ONLY = frozenset({"resources", "intercept_exceptions"})
_NAMES = {"allow_methods": "methods", "allow_credentials": "supports_credentials"}
# flask-cors leaves preflights to Flask, which answers OPTIONS with 200, whatever CORS says.
_STATUSES = {"preflight_status": 200, "denied_preflight_status": 200}
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
        _check_names("CORS", self._options, _KNOWN)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask | Blueprint, **options: Unpack[CORSOptions]) -> None:
        """Raises PolicyError, TypeError or ValueError for what the options have wrong."""
        _check_names("init_app", options, _KNOWN)
        if not isinstance(app, (Flask, Blueprint)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"app must be a Flask application or a Blueprint, not {type(app).__name__}")
        given = {**self._options, **options}
        if isinstance(app, Flask):
            _Site.of(app).add(_resources({**_config(app), **given}))
            return
        resources = _resources(given)

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
    _check_names("cross_origin", options, _KNOWN - _OF_CORS_ONLY)
    view_options = _ViewOptions(dict(options))

    def decorate(view: View) -> View:
        _Site.expect_views()
        if view_options.given.get("automatic_options", True) is not False:
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

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self._compiled: WeakKeyDictionary[Flask, tuple[Gate, bool]] = WeakKeyDictionary()
        self._lock = threading.Lock()
        if "origins" in given or "policy" in given:
            # What is wrong whatever the config is said where it is written.
            _gate(given, "")

    def of(self, app: Flask) -> tuple[Gate, bool]:
        with self._lock:
            compiled = self._compiled.get(app)
            if compiled is None:
                merged = {**_config(app), **self.given}
                compiled = _gate(merged, ""), bool(merged.get("automatic_options", True))
                self._compiled[app] = compiled
        return compiled


class _Site:
    """The gates of one application: by path, by blueprint, by view."""

    # Whether there is any view with options of its own; until then no preflight needs a look at the routes.
    _has_views = False
    _all: ClassVar[WeakSet[_Site]] = WeakSet()

    def __init__(self, app: Flask) -> None:
        self._app = app
        # A host that never says yes.
        self._nobody = Gate(build({"host_origins": True, **_STATUSES}, {}))
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


def _check_names(callee: str, options: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it takes {', '.join(sorted(known))}"
            raise TypeError(f"{callee}() has no option {name!r}{hint}")


def _config(app: Flask) -> dict[str, Any]:
    """The options in `app.config`; None there is unset."""
    config = cast("dict[str, Any]", app.config)
    found = {name: config.get(f"CORS_{name.upper()}") for name in DEFAULTS}
    return {name: value for name, value in found.items() if value is not None}


def _resources(given: dict[str, Any]) -> list[tuple[str, PathPattern, Gate]]:
    resources: Any = given.get("resources", DEFAULTS["resources"])
    shared = {name: value for name, value in given.items() if name != "resources"}
    by_path = _mapping(resources)
    if by_path is not None:
        found: list[tuple[str, PathPattern, Gate]] = []
        for pattern, options in by_path.items():
            option = f"resources[{pattern!r}]"
            own = _mapping(options)
            if own is None:
                raise TypeError(f"{option} must be a dict of options, not {type(options).__name__}")
            _check_names(option, own, _KNOWN - {"resources"})
            found.append((option, _pattern(option, pattern), _gate({**shared, **own}, f"{option}.")))
        return found
    gate = _gate(shared, "")
    patterns = as_list("resources", resources, "a path (a str or re.Pattern), a dict of paths to options")
    return [(option, _pattern(option, pattern), gate) for option, pattern in patterns]


def _mapping(value: object) -> Mapping[Any, Any] | None:
    return cast("Mapping[Any, Any]", value) if isinstance(value, Mapping) else None  # type: ignore[redundant-cast]


def _pattern(option: str, pattern: Any) -> PathPattern:
    text: object = getattr(pattern, "pattern", pattern)
    if isinstance(pattern, (str, re.Pattern)) and isinstance(text, str):
        return cast(PathPattern, pattern)
    raise TypeError(f"{option}: a path is a str or a re.Pattern of one, not {type(text).__name__}")


def _gate(given: dict[str, Any], prefix: str) -> Gate:
    """The gate of merged options. prefix: where they stand."""
    counters = given.get("counters")
    if counters is not None and not isinstance(counters, Counters):
        raise TypeError(f"{prefix}counters must be a crossgate.Counters, not {type(counters).__name__}")
    if "policy" in given:
        policy = given["policy"]
        if not isinstance(policy, (Policy, SharedPolicy)):
            raise TypeError(
                f"{prefix}policy must be a crossgate.Policy or crossgate.SharedPolicy, not {type(policy).__name__}"
            )
        others = sorted(set(given) & set(DEFAULTS) - _OF_CORS_ONLY - set(_FLAGS))
        if others:
            raise TypeError(f"{prefix}policy comes with all its options; leave out {', '.join(others)}")
        return Gate(policy, counters=counters)
    options = {**DEFAULTS, **given}
    for flag in _FLAGS:
        if not isinstance(options[flag], bool):
            raise TypeError(f"{prefix}{flag} must be a bool, not {type(options[flag]).__name__}")
    origins = _origins(f"{prefix}origins", options["origins"])
    names = {key: prefix + key for key in ("allow_headers", "expose_headers", "max_age", "allow_private_network")}
    names.update((key, prefix + name) for key, name in _NAMES.items())
    policy = build(
        {
            **origins.options(),
            "allow_methods": _methods(f"{prefix}methods", options["methods"]),
            "allow_headers": _allow_headers(f"{prefix}allow_headers", options),
            "expose_headers": _expose_headers(f"{prefix}expose_headers", options["expose_headers"]),
            "allow_credentials": options["supports_credentials"],
            "max_age": _max_age(f"{prefix}max_age", options["max_age"]),
            "allow_private_network": options["allow_private_network"],
            **_STATUSES,
        },
        {**names, **origins.names()},
        lambda option: option.removeprefix(prefix) in given,
    )
    return Gate(policy, ask=origins.verdict(), counters=counters)


def _origins(option: str, value: Any) -> Origins:
    origins = Origins(option)
    for place, item in as_list(option, value, "an origin (a str, a re.Pattern or a function)"):
        if isinstance(item, re.Pattern):
            origins.add_regex(place, cast("re.Pattern[str]", item))
        elif not isinstance(item, str):
            if not callable(item):
                raise TypeError(f"{place} must be a str, a re.Pattern or a function, not {type(item).__name__}")
            origins.add_predicate(cast(Predicate, item))
        elif item in ("*", ".*"):
            origins.add_exact(place, "*")
        elif is_regex(item) and not _IS_NO_REGEX.search(item):
            # As flask-cors: a string with such characters is a regex, in any case of letters. Origins are in lower
            # case, so that only a regex with capitals needs the flag.
            origins.add_regex(place, f"(?i){item}" if item != item.lower() and not item.startswith("(?") else item)
        else:
            origins.add_exact(place, item)
    return origins


# A star that repeats no class or group, and an IPv6 address: no regex is meant, whatever flask-cors makes of it.
_IS_NO_REGEX = re.compile(r"(?<![.\])}])(?<!\\.)\*|://\[[0-9A-Fa-f:.]+\](?::\d+)?$")


def _strings(option: str, value: Any) -> list[Any]:
    return [item for _, item in as_list(option, value, "a str")]


def _methods(option: str, value: Any) -> list[Any]:
    methods = [item.upper() if isinstance(item, str) else item for item in _strings(option, value)]
    return sorted(methods, key=str)


def _expose_headers(option: str, value: Any) -> list[Any]:
    return [] if value is None else sorted(_strings(option, value), key=str)


def _allow_headers(option: str, options: Mapping[str, Any]) -> list[Any]:
    names = _strings(option, options["allow_headers"])
    for name in names:
        if isinstance(name, re.Pattern) or (isinstance(name, str) and name not in ("*", ".*") and is_regex(name)):
            text = name if isinstance(name, str) else cast("re.Pattern[str]", name).pattern
            raise ValueError(f"{option}: {text!r} is a regex; list the header names, or '*' for all of them")
    names = ["*" if name == ".*" else name for name in names]
    # Without credentials a literal "*" covers everything but Authorization, which flask-cors allows under it.
    listed = any(isinstance(name, str) and name.lower() == "authorization" for name in names)
    covered = options["supports_credentials"] is True or listed
    return names if "*" not in names or covered else [*names, "Authorization"]


def _max_age(option: str, value: Any) -> Any:
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, str):
        if not value.isdecimal():
            raise ValueError(f"{option}: {value!r} is no number of seconds")
        return int(value)
    return value
