"""System checks: every problem of the settings in one run."""

# Django brings no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUntypedBaseClass=false

from __future__ import annotations

from typing import Any

from django.conf import settings
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
    return [*map(_message, compiled.warnings), *_public_files(compiled)]


def _public_files(compiled: Compiled) -> list[CheckMessage]:
    """Names the packages whose `Access-Control-Allow-Origin: *` the policy takes away."""
    if not compiled.removes_public or compiled.covers is not None:
        return []
    found: list[CheckMessage] = []
    middleware: list[str] = list(settings.MIDDLEWARE or ())
    own = next((at for at, name in enumerate(middleware) if name.startswith("crossgate.")), None)
    if own is None:
        return []
    # A middleware that stands before this one is outside of it.
    if "whitenoise.middleware.WhiteNoiseMiddleware" in middleware[own + 1 :] and getattr(
        settings, "WHITENOISE_ALLOW_ALL_ORIGINS", True
    ):
        found.append(_taken_away("WhiteNoise", "static files", "whitenoise"))
    if any(app.split(".")[0] == "oauth2_provider" for app in settings.INSTALLED_APPS):
        found.append(_taken_away("django-oauth-toolkit", "discovery documents", "oauth_toolkit"))
    return found


def _taken_away(package: str, what: str, name: str) -> CheckMessage:
    return Warning(
        f"{package} says Access-Control-Allow-Origin: * of its {what}; the policy covers every "
        "path and takes it away",
        hint=(
            'set CORS_URLS_REGEX to the paths of the API, r"^/api/" for example, or '
            '"upstream": "keep_public" in CROSSGATE_POLICY'
        ),
        id=f"crossgate.{name}",
    )


def _message(problem: Problem) -> CheckMessage:
    kind = Error if problem.severity == "error" else Warning
    text = (
        f"{problem.path}: {problem.value}: {problem.message}"
        if problem.value
        else f"{problem.path}: {problem.message}"
    )
    return kind(text, hint=problem.hint and f"write {problem.hint}", id=f"crossgate.{problem.code}")
