"""The extension CORS: policies for an application or a blueprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Flask

from .._options.problems import Problems
from .options import KNOWN, Given, check_names, config_options, resources_of
from .site import Site

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState
    from typing_extensions import Unpack

    from .options import CORSOptions


class CORS:
    """CORS for an application or a blueprint.

    An option comes from `resources`, else from the arguments, else from `app.config`
    (`CORS_ORIGINS`, ...), else it has its default.

    resources: paths (strings, regexes, `re.Pattern`), or a dict of paths to options. A path covers
    everything below it. origins: origins, regexes, `re.Pattern`s and functions of an origin; "*"
    allows all. policy: a Policy or SharedPolicy in place of the options. counters: counts the
    decisions by reason.
    """

    def __init__(
        self, app: Flask | Blueprint | None = None, **options: Unpack[CORSOptions]
    ) -> None:
        self._options: dict[str, Any] = dict(options)
        if app is not None:
            self.init_app(app)
            return
        problems = Problems()
        check_names("CORS", Given(self._options), KNOWN, problems)
        problems.raise_all()

    def init_app(self, app: Flask | Blueprint, **options: Unpack[CORSOptions]) -> None:
        """Puts the policies on an application or a blueprint.

        Raises PolicyError with every problem of the options, and ValueError if a path has other
        options already.
        """
        if not isinstance(app, (Flask, Blueprint)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"app must be a Flask application or a Blueprint, not {type(app).__name__}"
            )
        given = Given({**self._options, **options})
        if isinstance(app, Flask):
            given = given.over(config_options(app))
        problems = Problems()
        check_names("CORS", given, KNOWN, problems)
        resources = resources_of(given, problems)
        problems.raise_all()
        if isinstance(app, Flask):
            Site.of(app).add(resources)
            return

        def register(state: BlueprintSetupState) -> None:
            # The beginning of the blueprint's endpoints.
            name = f"{state.name_prefix}.{state.name}".lstrip(".")
            Site.of(cast("Flask", state.app)).add_blueprint(name, resources)

        app.record(register)
