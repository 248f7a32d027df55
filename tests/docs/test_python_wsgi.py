"""The examples of docs/python.md for Flask, Django and WSGI do what is said of them."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import textwrap
from typing import Any

import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/python.md"
APP = "https://app.example.com"
PREVIEW = "https://x.preview.example.com"


def examples(section: str) -> list[str]:
    text = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    found = next(part for part in text if part.startswith(f"{section}\n"))
    return re.findall(r"^```python\n(.*?)^```$", found, re.MULTILINE | re.DOTALL)


def run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/python.md", "exec"), names)
    return names


@pytest.mark.parametrize("section", ["Flask", "Django", "WSGI"])
def test_examples_are_short(section: str) -> None:
    assert examples(section)
    assert all(len(example.splitlines()) < 11 for example in examples(section))


def test_flask() -> None:
    app, second = (run(example)["app"].test_client() for example in examples("Flask"))
    for origin in (APP, PREVIEW):
        assert app.get("/", headers={"Origin": origin}).headers["Access-Control-Allow-Origin"] == origin
    origin = {"Origin": "https://t.example.com"}
    assert second.get("/api/x", headers=origin).headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert second.get("/feed", headers=origin).headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in second.get("/", headers=origin).headers


def test_wsgi() -> None:
    application = run(examples("WSGI")[0])["application"]
    started: list[Any] = []
    body = application({"REQUEST_METHOD": "GET", "HTTP_ORIGIN": APP}, lambda *call: started.append(call))
    assert list(body) == [b"hello"]
    assert ("Access-Control-Allow-Origin", APP) in started[0][1]


def test_django(tmp_path: pathlib.Path) -> None:
    """In a process of its own: settings are one's for ever."""
    settings, signal = examples("Django")
    (tmp_path / "example_settings.py").write_text(settings)
    (tmp_path / "example_signal.py").write_text(signal)
    script = f"""
        import django, example_settings
        from django.conf import settings
        from django.http import HttpResponse
        from django.urls import path
        named = {{name: value for name, value in vars(example_settings).items() if name.isupper()}}
        settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], **named)
        django.setup()
        import example_signal
        from django.test import Client
        urlpatterns = [path("<path:any>", lambda request, any: HttpResponse("x"))]
        def allowed(url, origin):
            return Client().get(url, HTTP_ORIGIN=origin).get("Access-Control-Allow-Origin")
        for origin in ("{APP}", "{PREVIEW}", "https://a.tenants.example.com"):
            assert allowed("/api/x", origin) == origin, origin
        assert allowed("/api/x", "https://evil.example") is None
        assert allowed("/apix", "{APP}") is None
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stderr
