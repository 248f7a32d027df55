"""The vectors that every language runs, through the header sets that the WSGI and Django drop-ins keep."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from crossgate import Policy
from crossgate._crossgate import Gate
from crossgate.wsgi import CORSMiddleware

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "tests/vectors"
FILES = sorted(path for path in VECTORS.rglob("*.jsonl") if '"decision"' in path.read_text(encoding="utf-8"))


def vectors(path: pathlib.Path) -> list[dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [vector for vector in map(json.loads, filter(None, lines)) if "decision" in vector]


def environ(request: dict[str, Any]) -> dict[str, Any]:
    """As servers make one: lines of one name are joined."""
    found: dict[str, Any] = {"REQUEST_METHOD": request["method"]}
    for name, value in request["headers"]:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vectors(path: pathlib.Path) -> None:
    count = 0
    for vector in vectors(path):
        policy, request, expected = Policy(**vector["policy"]), vector["request"], vector["decision"]
        verdict = request.get("verdict")
        asked = environ(request)
        answer = Gate(policy, lower=True).decide(asked, verdict)
        headers = [tuple(pair) for pair in expected["headers"]]
        assert answer.status == (expected["status"] or 0), vector
        assert answer.apply([]) == headers, vector
        store: dict[str, tuple[str, str]] = {}
        answer.write(store)
        assert store == {name: (name, value) for name, value in headers}, vector
        # Every header at once: what is removed, set and merged.
        own = [(name, "X-Own") for name, _ in headers] + [(name, "X-Own") for name in expected["remove"]]
        merged = {"vary", "access-control-expose-headers"}
        whole = {name: f"X-Own, {value}" if name in merged else value for name, value in headers}
        if expected["status"] is None and vector["policy"].get("upstream") != "keep":
            assert dict(answer.apply(own)) == whole, vector
            store = {name: (name.title(), value) for name, value in own}
            answer.write(store)
            assert {name: value for name, (_, value) in store.items()} == whole, vector
        count += 1
        started: list[Any] = []
        ask = {"allow": lambda _: True, "deny": lambda _: False}.get(verdict)
        app = CORSMiddleware(lambda _, start: [start("200 OK", [])], policy, ask=ask)
        list(app(asked, lambda *call, started=started: started.append(call)))
        assert [(name.lower(), value) for name, value in started[0][1] if name != "Content-Length"] == headers, vector
    assert count > 100
