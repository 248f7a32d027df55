"""The JSON Schema of a policy, by a validator: what the engine builds is valid, and what has an
unknown option or a value of a wrong type is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from crossgate import Policy, PolicyError
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "schema/policy.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
OPTIONS = json.loads((ROOT / "core/options.json").read_text(encoding="utf-8"))["options"]
SHAPE = {"unknown_option", "option_type"}


def codes(policy: Any) -> set[str]:
    """Those of the errors; none if it builds."""
    try:
        Policy.from_json(json.dumps(policy))
    except PolicyError as error:
        return {problem.code for problem in error.problems if problem.severity == "error"}
    return set()


def vectors() -> list[Any]:
    found = []
    for path in sorted((ROOT / "tests/vectors").rglob("*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [vector["policy"] for vector in map(json.loads, lines) if "policy" in vector]
    return found


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_every_vector_that_builds_is_valid():
    seen = {"valid": 0, "shape": 0}
    for policy in vectors():
        errors = codes(policy)
        if not errors:
            seen["valid"] += 1
            assert VALIDATOR.is_valid(policy), policy
        elif errors & SHAPE:
            seen["shape"] += 1
            assert not VALIDATOR.is_valid(policy), policy
    assert seen["valid"] > 800, seen
    assert seen["shape"] > 20, seen


def test_every_canonical_document_is_valid():
    for policy in vectors():
        if not codes(policy):
            VALIDATOR.validate(Policy.from_json(json.dumps(policy)).document())


VALUES = [
    None, True, False, 0, 1, -1, 1.5, 200, 204, 205, 299, 300, 399, 400, 401, 499, 500, 86400,
    86401, "", "*", "x", "true", "forward", "static", "keep_public",
    [], ["*"], ["x"], [1], [None], [["x"]], {}, {"x": 1},
]  # fmt: skip


@pytest.mark.parametrize("name", [option["name"] for option in OPTIONS])
def test_schema_and_engine_agree_on_types(name: str):
    """Of every kind of value. The engine may know more of an entry than its type."""
    for value in VALUES:
        policy = {"allow_origins": ["https://a.example"], name: value}
        errors = codes(policy)
        if VALIDATOR.is_valid(policy):
            assert not errors & SHAPE, (value, errors)
        else:
            assert errors, value


def test_unknown_options_are_invalid():
    for name in ("origins", "allowOrigins", "$schema", ""):
        assert not VALIDATOR.is_valid({"allow_origins": "*", name: []})


def test_every_option_is_documented_with_an_example():
    assert list(SCHEMA["properties"]) == [option["name"] for option in OPTIONS]
    for option in OPTIONS:
        VALIDATOR.validate(option["example"])
        found = SCHEMA["properties"][option["name"]]
        assert found["description"]
        assert "](" not in found["description"]
