"""The vectors that every language runs, for the middlewares."""

from __future__ import annotations

import json
import pathlib
from typing import Any

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "tests/vectors"
FILES = sorted(
    path for path in VECTORS.rglob("*.jsonl") if '"decision"' in path.read_text(encoding="utf-8")
)


def vectors(path: pathlib.Path) -> list[dict[str, Any]]:
    """Those of a file that hold a whole decision."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [vector for vector in map(json.loads, filter(None, lines)) if "decision" in vector]


def with_own(vector: dict[str, Any]) -> tuple[list[tuple[str, str]], dict[str, str]] | None:
    """A response with every header that the decision touches, and what becomes of it.

    None for a request that the middleware answers.
    """
    expected = vector["decision"]
    if expected["status"] is not None or vector["policy"].get("upstream") == "keep":
        return None
    own = [(name, "X-Own") for name, _ in expected["headers"]] + [
        (name, "X-Own") for name in expected["remove"]
    ]
    merged = {"vary", "access-control-expose-headers"}
    return own, {
        name: f"X-Own, {value}" if name in merged else value for name, value in expected["headers"]
    }
