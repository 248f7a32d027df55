"""The vectors that every language runs, through the templates of the WSGI drop-ins."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from crossgate import Policy
from crossgate._crossgate import NeedsVerdict, Responder
from crossgate.wsgi import CORSMiddleware
from decision_vectors import FILES, vectors, with_own


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
        policy, request, expected = (
            Policy(**vector["policy"]),
            vector["request"],
            vector["decision"],
        )
        verdict = request.get("verdict")
        asked = environ(request)
        answer = Responder(policy, lower=True).begin(asked)
        if isinstance(answer, NeedsVerdict):
            assert f"Origin: {answer.origin}" in [
                f"{name.title()}: {value}" for name, value in request["headers"]
            ]
            answer = answer.resume(verdict == "allow")
        headers = [tuple(pair) for pair in expected["headers"]]
        assert answer.status == (expected["status"] or 0), vector
        assert answer.apply([]) == headers, vector
        store: dict[str, tuple[str, str]] = {}
        answer.write(store)
        assert store == {name: (name, value) for name, value in headers}, vector
        whole = with_own(vector)
        if whole is not None:
            own, becomes = whole
            assert dict(answer.apply(own)) == becomes, vector
            store = {name: (name.title(), value) for name, value in own}
            answer.write(store)
            assert {name: value for name, (_, value) in store.items()} == becomes, vector
        count += 1
        started: list[Any] = []
        ask = {"allow": lambda _: True, "deny": lambda _: False}.get(verdict)
        app = CORSMiddleware(lambda _, start: [start("200 OK", [])], policy, origin_predicate=ask)
        list(app(asked, lambda *call, started=started: started.append(call)))
        assert [
            (name.lower(), value) for name, value in started[0][1] if name != "Content-Length"
        ] == headers, vector
    assert count > 100
