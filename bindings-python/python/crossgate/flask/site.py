"""Which policy a request of a Flask application has: by path, by blueprint or by view."""

from __future__ import annotations

from typing import Any, ClassVar
from weakref import WeakSet

from flask import Flask, has_request_context, request
from werkzeug.exceptions import HTTPException

from .._crossgate import Policy, Responder, WSGIMiddleware
from .._options.paths import PathPattern, Paths
from .options import STATUSES, ViewOptions

EXTENSION = "crossgate"
"""The key of a Site in `app.extensions`."""
ENVIRON_KEY = "crossgate.responder"
"""Where a view puts the responder of its request."""
VIEW_OPTIONS = "__crossgate__"
"""The attribute of a view that holds its options."""


class Site:
    """The responders of one application."""

    # Whether any view has options of its own. Without one, no preflight has to be routed.
    _has_views = False
    _all: ClassVar[WeakSet[Site]] = WeakSet()

    def __init__(self, app: Flask) -> None:
        self._app = app
        # Allows no origin, because nothing gives a verdict.
        self._nobody = Responder(Policy(origin_predicate=True, **STATUSES))
        self._paths = _paths(self._nobody)
        self._blueprints: dict[str, Paths[Responder]] = {}
        self._wsgi = WSGIMiddleware(app.wsgi_app, _routed=True)
        app.wsgi_app = self._wsgi  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
        app.extensions[EXTENSION] = self
        Site._all.add(self)

    @staticmethod
    def expect_views() -> None:
        if not Site._has_views:
            Site._has_views = True
            for site in list(Site._all):
                site._configure()

    @staticmethod
    def of(app: Flask) -> Site:
        site = app.extensions.get(EXTENSION)
        return site if isinstance(site, Site) else Site(app)

    def add(self, resources: list[tuple[str, PathPattern, Responder]]) -> None:
        for option, pattern, responder in resources:
            self._paths.add(option, pattern, responder)
        self._configure()

    def add_blueprint(self, name: str, resources: list[tuple[str, PathPattern, Responder]]) -> None:
        paths = self._blueprints.setdefault(name, _paths(self._nobody))
        for option, pattern, responder in resources:
            paths.add(option, pattern, responder)
        self._configure()

    def _configure(self) -> None:
        everything = self._paths.everything()
        self._wsgi._configure(  # pyright: ignore[reportPrivateUsage]
            responder=everything,
            _select=None if everything is not None else self._by_path,
            _select_options=self._by_preflight if self._blueprints or Site._has_views else None,
            _select_late=self._by_blueprint if self._blueprints else None,
            _routed=True,
        )

    def _by_path(self, environ: dict[str, Any]) -> Responder | None:
        return self._paths.of(_path(environ))

    def _by_preflight(self, environ: dict[str, Any]) -> Responder | None:
        """A preflight asks about the route of the method that it names."""
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
        if isinstance(method, str):
            responder = self._by_route(environ, method)
            if responder is not None:
                return responder
        return self._by_path(environ)

    def _by_route(self, environ: dict[str, Any], method: str) -> Responder | None:
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
            # A method of a class-based view may have a decorator of its own.
            of_method = getattr(getattr(view, "view_class", None), method.lower(), None)
            for candidate in (of_method, view):
                options = getattr(candidate, VIEW_OPTIONS, None)
                if isinstance(options, ViewOptions):
                    return self._of_view(options)
            names = endpoint.split(".")[:-1]
            return self._of_blueprints(
                [".".join(names[:end]) for end in range(len(names), 0, -1)], environ
            )
        return None

    def _of_view(self, options: ViewOptions) -> Responder:
        try:
            return options.of(self._app)[0]
        except (TypeError, ValueError):
            # Each request of the view raises this again.
            self._app.logger.exception(
                "cross_origin: its options and app.config make no policy; its preflights are denied"
            )
            return self._nobody

    def _by_blueprint(self) -> Responder | None:
        return (
            self._of_blueprints(request.blueprints, request.environ)
            if has_request_context()
            else None
        )

    def _of_blueprints(self, names: list[str], environ: dict[str, Any]) -> Responder | None:
        found = (
            self._blueprints[name].of(_path(environ)) for name in names if name in self._blueprints
        )
        return next((responder for responder in found if responder is not None), None)


def _path(environ: dict[str, Any]) -> str:
    """The path as Flask routes it: the server has decoded it once, and it is UTF-8."""
    path = environ.get("PATH_INFO", "")
    if not isinstance(path, str):
        return ""
    return "/" + path.encode("latin-1", "replace").decode("utf-8", "replace").lstrip("/")


def _paths(nobody: Responder) -> Paths[Responder]:
    return Paths(nobody, lambda one, other: one is other or one.is_like(other))
