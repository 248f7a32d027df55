"""crossgate.asgi and Starlette's CORSMiddleware: what each adds to a request, in one run.

python tests/peers/python/bench_asgi.py [--rounds N]

Each coroutine is driven by hand, so that no event loop is measured. Writes build/bench-asgi.json.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import pathlib
import statistics
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import starlette
from crossgate.asgi import CORSMiddleware as Ours
from starlette.middleware.cors import CORSMiddleware as Starlette

ROOT = pathlib.Path(__file__).resolve().parents[3]
GOALS = {"W0": 8, "W1": 10, "W2": 24, "W6a": 500, "W6b": 500}
FLAT = 1.3  # the goal of W4: N = 1,000,000 against N = 10

RESPONSE_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]
REQUEST_HEADERS = [
    (b"host", b"api.example.com"),
    (b"connection", b"keep-alive"),
    (b"sec-ch-ua-platform", b'"Linux"'),
    (
        b"user-agent",
        b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        b"Chrome/142.0.0.0 Safari/537.36",
    ),
    (b"accept", b"application/json"),
    (b"sec-fetch-site", b"cross-site"),
    (b"sec-fetch-mode", b"cors"),
    (b"sec-fetch-dest", b"empty"),
    (b"referer", b"https://two.example.com/"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"en-GB,en;q=0.9"),
]
THREE: dict[str, Any] = {
    "allow_origins": [
        "https://one.example.com",
        "https://two.example.com",
        "https://three.example.com",
    ],
    "allow_methods": ["GET", "PUT", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type"],
    "allow_credentials": True,
    "expose_headers": ["X-Request-Id", "X-Total"],
    "max_age": 7200,
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(RESPONSE_HEADERS)})
    await send({"type": "http.response.body", "body": b"{}"})


async def receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Any) -> None:
    pass


def scope(method: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": "/data",
        "raw_path": b"/data",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [*REQUEST_HEADERS, *headers],
    }


def preflight(method: bytes, names: bytes) -> dict[str, Any]:
    requested = (
        (b"access-control-request-method", method),
        (b"access-control-request-headers", names),
    )
    return scope("OPTIONS", (b"origin", b"https://two.example.com"), *requested)


def spelled(number: int) -> bytes:
    """The names of W2 in capitals of its own, so that no two preflights are alike."""
    names = b"authorization,content-type"
    return (
        bytes(byte ^ 32 if number >> place & 1 else byte for place, byte in enumerate(names[:10]))
        + names[10:]
    )


def origins(count: int) -> list[str]:
    return [f"https://tenant-{number}.example.com" for number in range(count)]


def workloads(
    largest: int,
) -> dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]]:
    """Name: the scopes, which are asked in turn, our options and Starlette's."""
    names = b",".join(b"x-%d" % number for number in range(2000))
    wild = {**THREE, "allow_origins": ["https://*.example.com"]}
    regex = {
        **THREE,
        "allow_origins": (),
        "allow_origin_regex": r"https://[a-z0-9-]+\.example\.com",
    }
    found: dict[str, Any] = {
        "W0": (scope("GET"), THREE, THREE),
        "W1": (scope("GET", (b"origin", b"https://two.example.com")), THREE, THREE),
        "W2": (preflight(b"PUT", b"authorization,content-type"), THREE, THREE),
        "W2 all new": ([preflight(b"PUT", spelled(number)) for number in range(64)], THREE, THREE),
        "W3": (scope("GET", (b"origin", b"https://evil.example")), THREE, THREE),
        "W5": (scope("GET", (b"origin", b"https://two.example.com")), wild, regex),
        "W6a": (preflight(b"PUT", names), THREE, THREE),
        "W6b": (preflight(b"PUT", b"," * 10_000), THREE, THREE),
    }
    count = 10
    while count <= largest:
        options = {**THREE, "allow_origins": origins(count)}
        origin = f"https://tenant-{count - 1}.example.com".encode()
        found[f"W4 N={count}"] = (scope("GET", (b"origin", origin)), options, options)
        found[f"W4 N={count} miss"] = (
            scope("GET", (b"origin", b"https://evil.example")),
            options,
            options,
        )
        count *= 100 if count == 10 or count == 1000 else 10
    return {
        name: (asked if isinstance(asked, list) else [asked], *options)
        for name, (asked, *options) in found.items()
    }


def own(function: Any) -> Any:
    """The same function with a code object of its own.

    A server runs one middleware, so what the interpreter specializes for one must not cost others.
    """
    return types.FunctionType(function.__code__.replace(), function.__globals__, function.__name__)


def drive(call: Callable[..., Any], asked: list[dict[str, Any]], count: int) -> float:
    """Nanoseconds a request."""
    scopes = asked * (count // len(asked) + 1)
    started = time.perf_counter_ns()
    for scope in scopes:
        steps = call(scope, receive, send).__await__()
        try:
            while True:
                next(steps)
        except StopIteration:
            pass
    return (time.perf_counter_ns() - started) / len(scopes)


def measure(
    asked: list[dict[str, Any]], calls: dict[str, Callable[..., Any]], rounds: int
) -> dict[str, dict[str, float]]:
    counts = {name: max(2, int(2_000_000 / drive(call, asked, 3))) for name, call in calls.items()}
    drives = {name: own(drive) for name in calls}
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(drives[name](call, asked, counts[name]))
    gc.enable()
    spread = statistics.median(times["bare"]) - min(times["bare"])
    found: dict[str, dict[str, float]] = {}
    for name in calls:
        net = {
            "min": min(times[name]) - min(times["bare"]),
            "median": statistics.median(times[name]) - statistics.median(times["bare"]),
        }
        found[name] = {
            kind: max(value, spread) if name != "bare" else value for kind, value in net.items()
        }
    found["bare"] = {
        "min": min(times["bare"]),
        "median": statistics.median(times["bare"]),
        "spread": spread,
    }
    return found


def same_answer(asked: dict[str, Any], call: Callable[..., Any]) -> bytes:
    """The allowed origin in the answer, so that no cell measures a refusal by mistake."""
    sent: list[Any] = []

    async def collect(message: Any) -> None:
        sent.append(message)

    asyncio.run(call(asked, receive, collect))
    return dict(sent[0]["headers"]).get(b"access-control-allow-origin", b"")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--largest", type=int, default=1_000_000, help="the largest N of W4")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    print(f"Starlette {starlette.__version__}, Python {sys.version.split()[0]}")
    print(
        f"{'':16}{'bare':>8}{'Starlette':>12}{'crossgate':>11}{'ratio':>9}{'(median)':>10}   goal"
    )
    for name, (asked, ours, theirs) in workloads(arguments.largest).items():
        calls = {
            "bare": own(app),
            "starlette": Starlette(own(app), **theirs),
            "crossgate": Ours(own(app), **ours),
        }
        if any(
            same_answer(one, calls["starlette"]) != same_answer(one, calls["crossgate"])
            for one in asked
        ):
            raise SystemExit(f"{name}: the two answer differently")
        rounds = arguments.rounds if not name.startswith("W4") else max(6, arguments.rounds // 4)
        cell = measure(asked, calls, rounds)
        ratio, median = (
            cell["starlette"][kind] / cell["crossgate"][kind] for kind in ("min", "median")
        )
        goal = GOALS.get(name)
        met = (
            ""
            if goal is None or ratio >= goal
            else "  within 15 %"
            if ratio >= goal * 0.85
            else "  MISSED"
        )
        verdict = "" if goal is None else f"   >= {goal}{met}"
        bare, peer, ours = (cell[who]["min"] for who in ("bare", "starlette", "crossgate"))
        figures = f"{bare:8.0f}{peer:12.0f}{ours:11.0f}{ratio:8.1f}x{median:9.1f}x"
        print(f"{name:16}{figures}{verdict}", flush=True)
        results[name] = {**cell, "ratio": ratio, "ratio_median": median, "goal": goal}
    biggest = max(
        (name for name in results if name.startswith("W4") and "miss" not in name), key=len
    )
    flat = results[biggest]["crossgate"]["min"] / results["W4 N=10"]["crossgate"]["min"]
    print(
        f"\nns a request over the bare handler, undisturbed (min). "
        f"{biggest} against W4 N=10: {flat:.2f} (goal: {FLAT})"
    )
    results["flat"] = {"largest": biggest, "ratio": flat, "goal": FLAT}
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "bench-asgi.json").write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
