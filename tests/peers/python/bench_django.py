"""crossgate.django beside django-cors-headers: python tests/peers/python/bench_django.py

Each middleware around one view, called as Django's handler calls it.
"""

from __future__ import annotations

import io
from typing import Any

import django
from django.conf import settings

settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["*"])
django.setup()

from corsheaders.middleware import CorsMiddleware as Peer  # noqa: E402
from crossgate.django import CorsMiddleware as Ours  # noqa: E402
from django.core.handlers.wsgi import WSGIRequest  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import override_settings  # noqa: E402
from ratios import EXPOSE, ORIGINS, Call, Net, measure, origins, report, row, workloads  # noqa: E402

GOALS = {"W0": 10, "W1": 15, "W2": 8, "W3": 0, "W5": 0, "W6a": 8, "W6b": 8}
SCALE = (10, 1_000)
COMMON = {
    "CORS_ALLOW_CREDENTIALS": True,
    "CORS_EXPOSE_HEADERS": EXPOSE,
    "CORS_ALLOW_METHODS": ["GET", "PUT"],
    "CORS_ALLOW_HEADERS": ["authorization", "content-type"],
    "CORS_PREFLIGHT_MAX_AGE": 7200,
}


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b'{"ok":true}', content_type="application/json")


def call(handler: Any, method: str, headers: dict[str, str]) -> Call:
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "HTTP_ACCEPT": "*/*",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    return lambda: handler(WSGIRequest(dict(environ)))


def compare(options: dict[str, Any], method: str, headers: dict[str, str]) -> dict[str, Net]:
    with override_settings(**COMMON, **options):
        return measure(
            call(view, method, headers),
            {"peer": call(Peer(view), method, headers), "ours": call(Ours(view), method, headers)},
        )


def main() -> None:
    rows: list[dict[str, object]] = []
    wildcard = {"CORS_ALLOWED_ORIGIN_REGEXES": [r"https://[a-z]+\.example\.com"]}
    for name, (method, headers) in workloads().items():
        found = compare(
            wildcard if name == "W5" else {"CORS_ALLOWED_ORIGINS": ORIGINS}, method, headers
        )
        rows.append(row(name, "Django", found["peer"], found["ours"], GOALS[name]))
    for count in SCALE:
        many = origins(count)
        found = compare({"CORS_ALLOWED_ORIGINS": many}, "GET", {"Origin": many[-1]})
        rows.append(row(f"W4 {count}", "Django", found["peer"], found["ours"], 15))
    report("django", "crossgate.django beside django-cors-headers", rows)

    flat: list[dict[str, object]] = []
    first = 0.0
    for count in (10, 1_000_000):
        many = origins(count)
        with override_settings(**COMMON, CORS_ALLOWED_ORIGINS=many):
            asked = {"Origin": many[-1]}
            net = measure(call(view, "GET", asked), {"ours": call(Ours(view), "GET", asked)})[
                "ours"
            ].net
        first = first or net
        flat.append(
            {
                "origins": count,
                "adds ns": round(net),
                "ratio": f"{net / first:.2f}",
                "goal": "flat: <= 1.3",
            }
        )
    report("django-scale", "crossgate.django by the number of origins", flat)


if __name__ == "__main__":
    main()
