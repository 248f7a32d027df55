"""What a drop-in warns of: told once, in the logger `crossgate`, under the name that was typed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from crossgate.asgi import CORSMiddleware
from crossgate.flask import CORS
from crossgate.wsgi import CORSMiddleware as WSGIMiddleware
from flask import Flask

UPPER = "https://A.example"


def aiohttp(**options: Any) -> None:
    web = pytest.importorskip("aiohttp.web")
    from crossgate.aiohttp import setup

    setup(web.Application(), **options)


DROP_INS: dict[str, tuple[Callable[[], object], str]] = {
    "asgi": (lambda: CORSMiddleware(print, [UPPER]), "allow_origins[0]"),  # type: ignore[arg-type]
    "wsgi": (lambda: WSGIMiddleware(lambda *_: [], allow_origins=[UPPER]), "allow_origins[0]"),
    "flask": (lambda: CORS(Flask("app"), origins=[UPPER]), "origins[0]"),
    "aiohttp": (lambda: aiohttp(allow_origins=[UPPER]), "allow_origins[0]"),
    "aiohttp_cors": (lambda: aiohttp(defaults={UPPER: {}}), f"defaults['{UPPER}']"),
}


@pytest.mark.parametrize("name", DROP_INS)
def test_a_warning_is_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    make, path = DROP_INS[name]
    caplog.set_level(logging.WARNING, "crossgate")
    make()
    (record,) = caplog.records
    assert record.name == "crossgate"
    start = f"CORS: warning origin_not_canonical at {path} = {UPPER}: "
    assert record.getMessage().startswith(start)


def test_defaults_warn_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "crossgate")
    CORS(Flask("app"))
    CORSMiddleware(print)  # type: ignore[arg-type]
    aiohttp(defaults={"*": {}})
    assert not caplog.records
