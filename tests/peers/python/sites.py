"""The applications of test_wsgi_servers.py: Flask, Django (WSGI and ASGI) and a plain callable."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

import flask
from crossgate.flask import CORS, cross_origin
from crossgate.wsgi import CORSMiddleware
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

A, B = "https://a.example.com", "https://b.example.com"
PIECES = ["one,", "two,", "three"]
OWN = {"Vary": "Accept-Encoding", "Access-Control-Allow-Origin": "*"}


def pieces() -> Iterator[str]:
    for piece in PIECES:
        yield piece
        time.sleep(0.01)


flask_app = flask.Flask(__name__)
CORS(
    flask_app,
    origins=[A],
    supports_credentials=True,
    expose_headers=["X-Own"],
    methods=["PUT"],
    allow_headers=["X-Token"],
    max_age=60,
)
blueprint = flask.Blueprint("part", __name__)
CORS(blueprint, origins=B)


@flask_app.route("/data", methods=["GET", "PUT"])
def data() -> str:
    return "data"


@flask_app.get("/own")
def own() -> tuple[str, dict[str, str]]:
    return "own", OWN


@flask_app.get("/stream")
def stream() -> flask.Response:
    return flask.Response(pieces())


@flask_app.get("/boom")
def boom() -> str:
    raise RuntimeError


@flask_app.get("/view")
@cross_origin(origins=B)
def view() -> str:
    flask.abort(403)


@blueprint.get("/item")
def item() -> str:
    return "item"


flask_app.register_blueprint(blueprint, url_prefix="/part")

settings.configure(
    SECRET_KEY="x",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["crossgate.django"],
    MIDDLEWARE=["crossgate.django.CorsMiddleware", "django.middleware.common.CommonMiddleware"],
    DEBUG=os.environ.get("SITE_DEBUG") == "1",
    CORS_ALLOWED_ORIGINS=[A],
    CORS_ALLOW_CREDENTIALS=True,
    CORS_EXPOSE_HEADERS=["X-Own"],
    CORS_ALLOW_METHODS=["PUT"],
    CORS_ALLOW_HEADERS=["X-Token"],
    CORS_PREFLIGHT_MAX_AGE=60,
)


def django_data(request: HttpRequest) -> HttpResponse:
    return HttpResponse("data")


def django_own(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("own")
    for name, value in OWN.items():
        response[name] = value
    return response


def django_stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(pieces())


def django_boom(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


urlpatterns = [
    path("data", django_data),
    path("own", django_own),
    path("stream", django_stream),
    path("boom", django_boom),
]
django_wsgi = get_wsgi_application()
django_asgi = get_asgi_application()


def plain(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    routes: dict[str, tuple[str, list[tuple[str, str]], list[bytes]]] = {
        "/data": ("200 OK", [("Content-Length", "4")], [b"data"]),
        "/own": ("200 OK", [*OWN.items(), ("Content-Length", "3")], [b"own"]),
        "/stream": ("200 OK", [], [piece.encode() for piece in PIECES]),
        "/boom": ("500 Internal Server Error", [("Content-Length", "0")], []),
    }
    status, headers, body = routes.get(
        environ["PATH_INFO"], ("404 Not Found", [("Content-Length", "0")], [])
    )
    start_response(status, headers)
    return body if environ["REQUEST_METHOD"] != "HEAD" else []


wsgi_app = CORSMiddleware(
    plain,
    allow_origins=[A],
    allow_credentials=True,
    expose_headers=["X-Own"],
    allow_methods=["PUT"],
    allow_headers=["X-Token"],
    max_age=60,
    preflight_status=200,
    denied_preflight_status=200,
)
