"""crossgate.wsgi and crossgate.flask beside flask-cors: python tests/peers/python/bench_wsgi.py

flask-cors is measured over Flask, because it runs inside of Flask. crossgate.flask wraps
`wsgi_app`, so what it adds does not depend on the application. It is measured over a plain WSGI
callable, because the spread of Flask is ten times what crossgate adds. The second table shows both
over Flask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import crossgate.flask
import flask_cors
from crossgate.wsgi import CORSMiddleware
from flask import Flask
from ratios import EXPOSE, ORIGINS, Call, measure, origins, report, row, workloads

GOALS = {"W0": 40, "W1": 40, "W2": 40, "W3": 0, "W5": 0, "W6a": 1000, "W6b": 1000}
SCALE = (10, 1_000, 100_000)
MILLION = 1_000_000
HEADERS = ["Authorization", "Content-Type"]


def start_response(
    status: str, headers: list[tuple[str, str]], exc_info: Any = None
) -> Callable[[bytes], object]:
    return bytes


def request(app: Callable[..., Iterable[bytes]], method: str, headers: dict[str, str]) -> Call:
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "HTTP_ACCEPT": "*/*",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
        "HTTP_ACCEPT_LANGUAGE": "en",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }

    def call() -> None:
        body = app(dict(environ), start_response)
        for _ in body:
            pass
        close = getattr(body, "close", None)
        if close is not None:
            close()

    return call


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "11")])
    return [b'{"ok":true}']


def flask() -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def index() -> dict[str, bool]:
        return {"ok": True}

    return app


def apps(listed: list[str], wildcard: bool = False) -> dict[str, Any]:
    """The same policy for all of them."""
    options: dict[str, Any] = {
        "supports_credentials": True,
        "expose_headers": EXPOSE,
        "max_age": 7200,
    }
    options["allow_headers"] = HEADERS
    options["methods"] = ["GET", "PUT"]
    regex = r"https://[a-z]+\.example\.com"
    peer, ours, alone = flask(), flask(), flask()
    alone.wsgi_app = wsgi  # type: ignore[method-assign, assignment]
    flask_cors.CORS(peer, origins=regex if wildcard else listed, **options)
    for app in (ours, alone):
        crossgate.flask.CORS(
            app, origins="https://*.example.com" if wildcard else listed, **options
        )
    middleware = CORSMiddleware(
        wsgi,
        allow_origins=["https://*.example.com"] if wildcard else listed,
        allow_methods=["PUT"],
        allow_headers=HEADERS,
        expose_headers=EXPOSE,
        allow_credentials=True,
        max_age=7200,
    )
    return {"peer": peer, "flask": ours, "alone": alone.wsgi_app, "wsgi": middleware}


def micro(ns: float) -> str:
    return f"{ns / 1000:.1f}"


def main() -> None:
    rows: list[dict[str, object]] = []
    bare = flask()
    listed, wildcard = apps(ORIGINS), apps([], wildcard=True)

    whole: list[dict[str, object]] = []

    def compare(
        name: str, tried: dict[str, Any], method: str, headers: dict[str, str], goal: float
    ) -> None:
        def call(app: Any) -> Call:
            return request(app, method, headers)

        found = measure(call(bare), {key: call(tried[key]) for key in ("peer", "flask")})
        alone = measure(call(wsgi), {key: call(tried[key]) for key in ("alone", "wsgi")})
        rows.append(row(name, "Flask", found["peer"], alone["alone"], goal))
        rows.append(row(name, "WSGI", found["peer"], alone["wsgi"], goal))
        peer, ours = found["peer"], found["flask"]
        whole.append(
            {
                "workload": name,
                "Flask us": micro(peer.bare),
                "flask-cors us": micro(peer.least),
                "crossgate us": micro(ours.least),
            }
        )

    for name, (method, headers) in workloads().items():
        compare(name, wildcard if name == "W5" else listed, method, headers, GOALS[name])
    for count in SCALE:
        many = origins(count)
        compare(f"W4 {count}", apps(many), "GET", {"Origin": many[-1]}, 40)
    report("wsgi", "What crossgate.flask and crossgate.wsgi add, beside flask-cors", rows)
    report("flask-whole", "Whole requests through Flask", whole)

    flat: list[dict[str, object]] = []
    few, million = origins(10), origins(MILLION)
    found = measure(
        request(wsgi, "GET", {}),
        {
            str(len(many)): request(
                CORSMiddleware(wsgi, allow_origins=many), "GET", {"Origin": many[-1]}
            )
            for many in (few, million)
        },
    )
    small, large = found[str(len(few))], found[str(MILLION)]
    flat.append({"origins": len(few), "adds ns": round(small.net), "ratio": "1.0", "goal": ""})
    flat.append(
        {
            "origins": MILLION,
            "adds ns": round(large.net),
            "ratio": f"{large.net / small.net:.2f}",
            "goal": "flat: <= 1.3",
        }
    )
    report("wsgi-scale", "crossgate.wsgi by the number of origins", flat)


if __name__ == "__main__":
    main()
