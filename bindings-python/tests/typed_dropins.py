"""Calls of the drop-ins for type checkers. A call that must not pass is marked. Never run."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from aiohttp import web
from crossgate import Counters, Policy, SharedPolicy, asgi
from crossgate.aiohttp import setup
from crossgate.flask import CORS, cross_origin
from crossgate.wsgi import CORSMiddleware
from fastapi import FastAPI
from flask import Blueprint, Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from typing_extensions import assert_type


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    return []


assert_type(
    CORSMiddleware(application, allow_origins=["https://a.example"], max_age=60), CORSMiddleware
)
CORSMiddleware(
    application,
    Policy(origin_predicate=True),
    origin_predicate=lambda origin: origin.endswith(".example"),
)
CORSMiddleware(application, allow_origin=["https://a.example"])  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
CORSMiddleware(application, max_age="60")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

CORSMiddleware(application, SharedPolicy(Policy(origin_predicate=True)), counters=Counters())

app = Flask(__name__)
CORS(app)
CORS(Blueprint("b", __name__), origins="https://a.example")
CORS(
    app,
    origins=["https://a.example", re.compile("x"), lambda origin: True],
    max_age=timedelta(days=1),
)
CORS(app, resources={"/api/*": {"origins": "*"}, re.compile("/x"): {}})
CORS().init_app(app, policy=Policy(allow_origins="*"))
CORS(app, policy=SharedPolicy(Policy(allow_origins="*")), counters=Counters())
CORS(app, origin="*")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
CORS(app, supports_credentials="yes")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@app.get("/")
@cross_origin(origins="*", automatic_options=False)
def index() -> str:
    return "x"


cross_origin(resources="/")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]


api = FastAPI()
api.add_middleware(asgi.CORSMiddleware, allow_origins=["https://a.example"], websocket="public")
api.add_middleware(asgi.CORSMiddleware, allow_origin=["*"])  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
asgi.install(api, allow_origins=["https://a.example"], counters=Counters())
Starlette(middleware=[Middleware(asgi.CORSMiddleware, allow_origin_regex=re.compile("https://a"))])
assert_type(asgi.CORSMiddleware(api, policy=Policy(allow_origins="*")), asgi.CORSMiddleware)


class Mine(asgi.CORSMiddleware):
    def __init__(self, app: asgi.ASGIApp, tenant: str) -> None:
        super().__init__(app, allow_origins=[f"https://{tenant}.example"])


api.add_middleware(Mine, tenant="a")

server = web.Application()
setup(server, allow_origins=["https://a.example"], max_age=60)
setup(
    server,
    policy=SharedPolicy(Policy(origin_predicate=True)),
    origin_predicate=lambda origin: True,
)
setup(server, counters=1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
