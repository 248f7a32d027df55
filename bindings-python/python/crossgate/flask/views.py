"""The decorator cross_origin(): a policy for a single view."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from flask import Flask, Response, after_this_request, current_app, request
from werkzeug.datastructures import Headers

from .._crossgate import Responder
from .options import Given, ViewOptions
from .site import ENVIRON_KEY, EXTENSION, VIEW_OPTIONS, Site

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .options import CrossOriginOptions

View = TypeVar("View", bound=Callable[..., Any])


@overload
def cross_origin(view: View, /) -> View: ...
@overload
def cross_origin(**options: Unpack[CrossOriginOptions]) -> Callable[[View], View]: ...
def cross_origin(*args: Any, **options: Unpack[CrossOriginOptions]) -> Any:
    """Gives a view a policy of its own. It stands below `@app.route`.

    Takes the options of CORS, except `resources` and `intercept_exceptions`. The response to an
    exception or an abort of the view gets the headers too.
    """
    if len(args) == 1 and not options and callable(args[0]):
        return cross_origin()(args[0])
    if args:
        raise TypeError("cross_origin() takes options by name: cross_origin(origins=[...])")
    view_options = ViewOptions(Given(dict(options)))

    def decorate(view: View) -> View:
        Site.expect_views()
        if view_options.given.values.get("automatic_options", True) is not False:
            # Flask reads this when the route is added, and then sends OPTIONS to the view.
            required: set[str] = set(getattr(view, "required_methods", ()))
            _set(view, "required_methods", required | {"OPTIONS"})
            _set(view, "provide_automatic_options", False)

        @functools.wraps(view)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            app = cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]
            responder, automatic = view_options.of(app)
            # This comes before the view runs, so that the response to an exception is covered.
            if EXTENSION in app.extensions:
                request.environ[ENVIRON_KEY] = responder
            else:
                _decide_after(responder)
            if automatic and request.method == "OPTIONS":
                return app.make_default_options_response()
            return app.ensure_sync(view)(*args, **kwargs)

        _set(wrapped, VIEW_OPTIONS, view_options)
        return cast(View, wrapped)

    return decorate


def _set(view: Callable[..., Any], name: str, value: Any) -> None:
    setattr(view, name, value)


def _decide_after(responder: Responder) -> None:
    """Puts the headers on the response where `wsgi_app` is not wrapped.

    That includes the responses of error handlers.
    """
    outcome = responder.decide(request.environ)

    @after_this_request
    def apply(response: Response) -> Response:
        response.headers = Headers(outcome.apply(list(response.headers)))
        if outcome.status:
            response.status_code = outcome.status
        return response
