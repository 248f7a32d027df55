"""Runs the vectors that every language runs through the Python package.

    python run.py [tests/vectors]

Prints a line for each file and each failure with its difference; exits 1 if there is any.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from crossgate import Policy, PolicyError, Problem

Vector = dict[str, Any]
FIELDS = ("kind", "reason", "action", "allowed", "status", "headers", "remove")


def encode(pairs: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def unequal(what: str, expected: object, found: object) -> Iterator[str]:
    if expected != found:
        yield f"{what}: expected {expected!r}, found {found!r}"


def decisions(vector: Vector) -> Iterator[str]:
    policy = Policy(**vector["policy"])
    request = vector["request"]
    pairs = [tuple(pair) for pair in request["headers"]]
    expected = vector["decision"]
    for form, headers in (("str", pairs), ("bytes", encode(request["headers"]))):
        decision = policy.evaluate(request["method"], headers, request.get("verdict"))
        found = {name: getattr(decision, name) for name in FIELDS}
        # As JSON has them.
        found["headers"] = [list(pair) for pair in decision.headers]
        found["remove"] = list(decision.remove)
        for name in sorted(expected.keys() | found.keys()):
            yield from unequal(f"{name} ({form})", expected.get(name), found.get(name))
    # The application has set no header that matters, so that the response gets just what the
    # decision has.
    response = [["x", "y"], *expected["headers"]]
    yield from unequal(
        "apply (str)", [(name, value) for name, value in response], decision.apply([("x", "y")])
    )
    yield from unequal("apply (bytes)", encode(response), decision.apply([(b"x", b"y")]))


def found_problem(problems: tuple[Problem, ...], severity: str, vector: Vector) -> Iterator[str]:
    """One problem has the code, and also the path and the hint where they are given."""
    wanted = {"severity": severity} | {
        key: vector[key] for key in ("path", "hint") if key in vector
    }
    codes = [vector["code"], *vector.get("or", [])]
    if not any(
        problem.code in codes
        and all(getattr(problem, key) == value for key, value in wanted.items())
        for problem in problems
    ):
        yield f"no problem {codes} with {wanted} in {[str(problem) for problem in problems]}"


def every_problem(problems: tuple[Problem, ...], vector: Vector) -> Iterator[str]:
    """The severities and codes of all problems, where the vector names them all."""
    if "problems" in vector:
        found = sorted(f"{problem.severity} {problem.code}" for problem in problems)
        yield from unequal("problems", vector["problems"], found)


def configs(vector: Vector) -> Iterator[str]:
    try:
        policy = Policy(**vector["policy"])
    except PolicyError as error:
        yield from every_problem(error.problems, vector)
        if vector["expect"] == "error":
            yield from found_problem(error.problems, "error", vector)
        else:
            yield f"expected {vector['expect']}, found {error}"
        return
    yield from every_problem(policy.warnings + policy.notes, vector)
    if vector["expect"] == "error":
        found = policy.warnings + policy.notes
        yield f"expected the error {vector['code']}, but it builds with {found}"
    elif vector["expect"] == "warn":
        yield from found_problem(policy.warnings, "warning", vector)
    else:
        yield from unequal("warnings", (), policy.warnings)
        if vector["expect"] == "note":
            yield from found_problem(policy.notes, "note", vector)
        else:
            yield from unequal("notes", (), policy.notes)
    document = policy.document()
    for key, value in vector.get("document", {}).items():
        yield from unequal(f"document {key}", value, document[key])
    again = Policy(**document)
    yield from unequal("policy of its document", policy, again)
    # What is only spelled otherwise warns no more; what is meant so still does.
    new = {problem.code for problem in again.warnings} - {
        problem.code for problem in policy.warnings
    }
    yield from unequal("new warnings of its document", set(), new)


FLAGS = {"i": re.IGNORECASE, "x": re.VERBOSE}


def regexes(vector: Vector) -> Iterator[str]:
    """Those of Python's dialect, and of documents."""
    if vector["dialect"] == "javascript" or sys.version_info < tuple(vector.get("since", ())):
        return
    given: list[Any] = vector["regexes"]
    if vector["dialect"] == "python":
        flags = sum(FLAGS[flag] for flag in vector["flags"])
        given = [re.compile(regex, flags) for regex in given]
    try:
        policy = Policy(allow_origin_regexes=given)
    except PolicyError as error:
        yield from unequal("expect", vector["expect"], "error")
        yield from found_problem(error.problems, "error", vector)
        return
    yield from unequal("expect", vector["expect"], "warn" if policy.warnings else "ok")
    if vector["code"]:
        yield from found_problem(policy.warnings, "warning", vector)
    for origin in vector["allow"] + vector["deny"]:
        decision = policy.evaluate("GET", [("Origin", origin)])
        yield from unequal(origin, origin in vector["allow"], decision.allowed)
        limited = origin in vector.get("step_limit", [])
        yield from unequal(f"steps of {origin}", limited, decision.hit_regex_step_limit)


def documents(vector: Vector) -> Iterator[str]:
    build = {"json": Policy.from_json, "toml": Policy.from_toml}[vector["format"]]
    try:
        policy = build(vector["text"])
    except PolicyError as error:
        if vector["expect"] == "error":
            yield from found_problem(error.problems, "error", vector)
        else:
            yield f"expected ok, found {error}"
        return
    if vector["expect"] == "error":
        yield f"expected the error {vector['code']}, but it builds"
    else:
        yield from unequal("warnings", (), policy.warnings)


def websocket(vector: Vector) -> Iterator[str]:
    policy = Policy(**vector["policy"])
    lines, rest = vector["origin_lines"], (vector["public"], vector.get("verdict"))
    yield from unequal("str", vector["expect"], policy.check_websocket(lines, *rest))
    yield from unequal(
        "bytes",
        vector["expect"],
        policy.check_websocket([x.encode("latin-1") for x in lines], *rest),
    )


def origins(vector: Vector) -> Iterator[str]:
    try:
        policy = Policy(**vector["policy"])
    except PolicyError as error:
        # Nobody is allowed by a policy that does not build.
        yield from unequal("built", vector["expect"], "deny")
        if vector["expect"] == "allow":
            yield str(error)
        return
    pairs = [["Origin", line] for line in vector["origin_lines"]]
    for form, headers in (("str", [tuple(pair) for pair in pairs]), ("bytes", encode(pairs))):
        decision = policy.evaluate("GET", headers)
        acao = dict(decision.headers).get("access-control-allow-origin")
        yield from unequal(form, vector["expect"], "deny" if acao is None else "allow")
        if "acao" in vector:
            yield from unequal(f"acao ({form})", vector["acao"], acao)
    if vector.get("linear"):
        yield from linear(policy, vector["origin_lines"][0])


def responses(vector: Vector) -> Iterator[str]:
    request = vector["request"]
    pairs = [tuple(pair) for pair in request["headers"]]
    decision = Policy(**vector["policy"]).evaluate(request["method"], pairs)
    lines = [(name, value) for name, value in vector["response"]]
    expected = [(name, value) for name, value in vector["expect"]]
    found = sorted(decision.apply(lines), key=lambda pair: pair[0])
    yield from unequal("response (str)", expected, found)
    found_bytes = sorted(decision.apply(encode(vector["response"])), key=lambda pair: pair[0])
    yield from unequal("response (bytes)", encode(vector["expect"]), found_bytes)
    yield from unequal("overwrote", vector["overwrote"], decision.overwrites_upstream(lines))


def linear(policy: Policy, line: str) -> Iterator[str]:
    """Once with an Origin 32 times as long takes about as long as 32 times with this one; something
    quadratic takes 32 times as long. What is exponential never ends. In CPU time of this thread."""

    def cost(times: int) -> int:
        half = len(line) // 2
        # More of the byte in its middle, which is what these vectors are full of.
        more = line[half] * (len(line) * (times - 1))
        headers = [(b"origin", (line[:half] + more + line[half:]).encode("latin-1"))]
        rounds = []
        for _ in range(3):
            start = time.thread_time_ns()
            for _ in range(32 // times):
                policy.evaluate("GET", headers)
            rounds.append(time.thread_time_ns() - start)
        return min(rounds)

    short, long = cost(1), cost(32)
    if long > 8 * max(short, 200_000):
        yield f"{short} ns in 32 parts, {long} ns in one"


FILES: dict[str, Callable[[Vector], Iterator[str]]] = {
    "decisions.jsonl": decisions,
    "configs.jsonl": configs,
    "documents.jsonl": documents,
    "regexes.jsonl": regexes,
    "websocket.jsonl": websocket,
    "responses.jsonl": responses,
    "contract/origins.jsonl": origins,
    "contract/configs.jsonl": configs,
    "contract/lint.jsonl": configs,
}


def check(test: Callable[[Vector], Iterator[str]], vector: Vector) -> list[str]:
    try:
        return list(test(vector))
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:  # the others still run
        return [f"{type(error).__name__}: {error}"]


def main(directory: Path) -> int:
    failures = 0
    for name, test in FILES.items():
        path = directory / name
        if not path.is_file():
            print(f"python: {name} is missing")
            failures += 1
            continue
        vectors = [
            json.loads(line)
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip()
        ]
        failed = {vector["id"]: found for vector in vectors if (found := check(test, vector))}
        print(f"python: {name} {len(vectors) - len(failed)} passed, {len(failed)} failed")
        for vector_id, differences in failed.items():
            for difference in differences:
                print(f"  {vector_id}: {difference}")
        # An empty file proves nothing.
        failures += len(failed) + (not vectors)
    return 1 if failures else 0


if __name__ == "__main__":
    default = Path(__file__).parents[2] / "vectors"
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else default))
