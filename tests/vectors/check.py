#!/usr/bin/env python3
"""Checks the vector files themselves: schemas, ids, order, coverage.

Exits with 1 on a fault. Runs no engine.
"""

import collections
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "../../core/codes.json"), encoding="utf-8") as codes:
    REGISTRY = json.load(codes)
CHECKS = {reason["name"]: reason["check"] for reason in REGISTRY["reasons"]}
REASONS = list(CHECKS)
ORIGIN_REASONS = {name for name, check in CHECKS.items() if check == "origin"}
ACA = "access-control-"
REMOVE_ORDER = [
    ACA + n
    for n in (
        "allow-origin",
        "allow-credentials",
        "allow-methods",
        "allow-headers",
        "expose-headers",
        "max-age",
        "allow-private-network",
    )
]
ACAO, ACEH = ACA + "allow-origin", ACA + "expose-headers"
ORDER_ACTUAL = [ACAO, ACA + "allow-credentials", ACEH, "vary"]
ORDER_PREFLIGHT = [
    ACAO,
    ACA + "allow-credentials",
    ACA + "allow-methods",
    ACA + "allow-headers",
    ACA + "max-age",
    ACA + "allow-private-network",
    "vary",
]
with open(os.path.join(HERE, "../../core/options.json"), encoding="utf-8") as options:
    KEYS = [option["name"] for option in json.load(options)["options"]]
# Not a matter of one policy and one request: V2 (debug mode), V27 (merging into a response), V57
# (handler errors), V58 (two ways to mount one layer).
V_NUMBERS = {"V%d" % n for n in range(1, 61)} - {"V2", "V27", "V57", "V58"}
SEEDS = {
    "seed-%02d" % n
    for n in [
        1,
        2,
        3,
        4,
        5,
        6,
        10,
        11,
        12,
        13,
        14,
        15,
        20,
        21,
        22,
        23,
        24,
        25,
        30,
        31,
        32,
        33,
        34,
        40,
        41,
        50,
        51,
        52,
        60,
        61,
        62,
    ]
}
# Of the build, of files (core/tests/files.rs) and of drop-ins: no vector can have them.
ELSEWHERE = {"feature_missing", "document_not_a_file", "document_too_large", "option_unset"}


def severities(words):
    """The letters of the severities that a problem can have."""
    return "".join(
        name[0].upper() for name in ("error", "warning", "note") if re.search(rf"\b{name}\b", words)
    )


# code -> severities that must appear.
CODES = {
    problem["name"]: severities(problem["severity"])
    for problem in REGISTRY["problems"]
    if problem["name"] not in ELSEWHERE
}
# What a vector expects of a policy -> the severity of the problem that it names.
SEVERITY = {"error": "E", "warn": "W", "note": "N"}
faults = []


def load(name):
    rows = []
    with open(os.path.join(HERE, name), "rb") as f:
        for number, line in enumerate(f, 1):
            try:
                rows.append((name + ":%d" % number, json.loads(line.decode("ascii"))))
            except ValueError as e:
                faults.append("%s:%d: %s" % (name, number, e))
    return rows


def need(where, ok, text):
    if not ok:
        faults.append(f"{where}: {text}")


def schema(where, row, required, optional=()):
    need(where, isinstance(row, dict), "no object")
    missing, extra = set(required) - set(row), set(row) - set(required) - set(optional)
    need(where, not missing, f"missing {sorted(missing)}")
    need(where, not extra, f"unknown {sorted(extra)}")
    return not missing


def unique(rows):
    for key, n in collections.Counter(r.get("id") for _, r in rows).items():
        need(
            "ids",
            n == 1 and isinstance(key, str) and re.fullmatch(r"[a-z0-9-]+", key),
            "id %r, %d times" % (key, n),
        )


def latin1(where, text):
    need(where, isinstance(text, str) and all(ord(c) < 256 for c in text), "not Latin-1")


def covered(where, names, into):
    for n in names:
        need(where, n in V_NUMBERS or n in SEEDS, f"covers {n!r}")
        into.add(n)


def in_order(names, order):
    return [n for n in order if n in names] == names


decisions, configs = load("decisions.jsonl"), load("configs.jsonl")
documents, websocket = load("documents.jsonl"), load("websocket.jsonl")
responses, answers = load("responses.jsonl"), load("answers.jsonl")
regexes = load("regexes.jsonl")
for rows in (decisions, configs, documents, websocket, responses, answers, regexes):
    unique(rows)
seen_covers, reasons, kinds, cases = set(), collections.Counter(), collections.Counter(), {}

for where, row in decisions:
    if not schema(where, row, ["id", "covers", "why", "policy", "request", "decision"]):
        continue
    where += " " + row["id"]
    covered(where, row["covers"], seen_covers)
    policy, request, d = row["policy"], row["request"], row["decision"]
    need(where, set(policy) <= set(KEYS), "policy keys")
    schema(where, request, ["method", "headers"], ["verdict"])
    need(where, request.get("verdict") in (None, "allow", "deny"), "verdict")
    need(
        where,
        "verdict" not in request or policy.get("origin_predicate") is True,
        "verdict without origin_predicate",
    )
    latin1(where, request["method"])
    lines = collections.defaultdict(list)
    for name, value in request["headers"]:
        need(where, re.fullmatch(r"[A-Za-z-]+", name), "request header name")
        latin1(where, value)
        lines[name.lower()].append(value)
    if not schema(where, d, ["kind", "reason", "action", "allowed", "status", "headers", "remove"]):
        continue
    names = [n for n, _ in d["headers"]]
    preflight = d["kind"] == "preflight"
    need(
        where,
        in_order(names, ORDER_PREFLIGHT if preflight else ORDER_ACTUAL),
        f"header order {names}",
    )
    need(where, all(isinstance(v, str) and v for _, v in d["headers"]), "empty header value")
    need(
        where,
        d["remove"]
        == [n for n in REMOVE_ORDER if n not in names and (n != ACEH or ACAO not in names)],
        "remove",
    )
    need(where, d["reason"] in REASONS, "reason")
    # Kind follows from the request alone.
    kind = (
        "not_cors"
        if not lines["origin"]
        else "preflight"
        if request["method"] == "OPTIONS" and lines["access-control-request-method"]
        else "actual"
    )
    need(where, d["kind"] == kind, "kind")
    ok = d["reason"] in ("allowed", "allowed_any")
    need(
        where,
        d["allowed"]
        is (True if ok else None if d["reason"] in ("no_origin", "own_origin") else False),
        "allowed",
    )
    need(where, (d["reason"] == "no_origin") == (kind == "not_cors"), "no_origin")
    action = {
        "forward": not preflight,
        "answer": preflight,
        "reject": kind == "actual" and d["allowed"] is False,
    }
    need(where, action.get(d["action"], False), "action")
    need(where, (d["status"] is None) == (d["action"] == "forward"), "status")
    need(
        where,
        d["action"] != "reject" or (d["status"] == 403 and policy.get("denied_actual") == "reject"),
        "reject",
    )
    need(where, (request["method"] == "OPTIONS") <= ("vary" in names), "OPTIONS without Vary")
    static = policy.get("single_origin") == "static"
    if preflight:
        refused = d["reason"] in ORIGIN_REASONS and not static
        key, default = ("denied_preflight_status", 403) if refused else ("preflight_status", 204)
        need(where, d["status"] == policy.get(key, default), "preflight status")
        need(where, not refused or names == ["vary"], "denied preflight carries more than Vary")
    key = json.dumps([policy, request], sort_keys=True)
    need(where, key not in cases, f"same case as {cases.get(key)}")
    cases[key] = row["id"]
    reasons[d["reason"]] += 1
    kinds[d["kind"], d["action"], d["allowed"]] += 1

codes = collections.defaultdict(set)
expects = collections.Counter()
for where, row in configs:
    if not schema(
        where,
        row,
        ["id", "covers", "policy", "expect", "code", "why"],
        ["path", "hint", "document", "problems"],
    ):
        continue
    where += " " + row["id"]
    covered(where, row["covers"], seen_covers)
    need(where, row["expect"] in SEVERITY or row["expect"] == "ok", "expect")
    need(where, (row["code"] is None) == (row["expect"] == "ok"), "code")
    need(where, row["code"] is None or row["code"] in CODES, "unknown code {}".format(row["code"]))
    need(
        where,
        "document" not in row or (row["expect"] != "error" and set(row["document"]) <= set(KEYS)),
        "document",
    )
    problems = row.get("problems", [])
    need(
        where,
        all(re.fullmatch(r"(error|warning|note) [a-z_]+", problem) for problem in problems),
        "problems",
    )
    need(
        where,
        not problems or any(problem.split()[1] == row["code"] for problem in problems),
        "code not in problems",
    )
    need(where, "path" not in row or re.fullmatch(r"[A-Za-z_-]+(\[\d+\])?", row["path"]), "path")
    need(
        where,
        row["code"] == "unknown_option"
        or "nonsense" in row["policy"]
        or set(row["policy"]) <= set(KEYS),
        "keys",
    )
    if row["code"]:
        severity = SEVERITY[row["expect"]]
        need(where, severity in CODES.get(row["code"], ""), "severity")
        codes[row["code"]].add(severity)
    expects[row["expect"]] += 1

for where, row in documents:
    if not schema(where, row, ["id", "format", "text", "expect", "code", "why"], ["problems"]):
        continue
    where += " " + row["id"]
    need(
        where, row["format"] in ("json", "toml") and isinstance(row["text"], str), "format or text"
    )
    need(
        where,
        row["expect"] in ("ok", "error") and (row["code"] is None) == (row["expect"] == "ok"),
        "expect",
    )
    need(where, row["code"] is None or "E" in CODES.get(row["code"], ""), "code")
    if row["code"]:
        codes[row["code"]].add("E")

sockets = collections.Counter()
for where, row in regexes:
    keys = ["id", "dialect", "regexes", "flags", "expect", "code", "allow", "deny", "why"]
    if not schema(where, row, keys, ["since", "step_limit"]):
        continue
    where += " " + row["id"]
    need(where, row["dialect"] in ("rust", "python", "javascript"), "dialect")
    need(where, row["expect"] in ("ok", "warn", "error"), "expect")
    need(where, (row["expect"] == "ok") == (row["code"] is None), "code")
    need(where, set(row.get("step_limit", [])) <= set(row["deny"]), "step_limit")

for where, row in websocket:
    if not schema(
        where, row, ["id", "policy", "origin_lines", "public", "expect", "why"], ["verdict"]
    ):
        continue
    where += " " + row["id"]
    need(
        where,
        set(row["policy"]) <= set(KEYS) and isinstance(row["public"], bool),
        "policy or public",
    )
    for line in row["origin_lines"]:
        latin1(where, line)
    need(where, (row["expect"] == "absent") == (not row["origin_lines"]), "absent")
    need(where, row["expect"] in ("allow", "deny", "absent"), "expect")
    need(
        where,
        "verdict" not in row or row["policy"].get("origin_predicate") is True,
        "verdict without origin_predicate",
    )
    sockets[row["expect"]] += 1

for where, row in responses:
    if not schema(
        where, row, ["id", "why", "policy", "request", "response", "expect", "overwrote"]
    ):
        continue
    where += " " + row["id"]
    need(where, set(row["policy"]) <= set(KEYS), "policy keys")
    schema(where, row["request"], ["method", "headers"])
    for lines in (row["response"], row["expect"]):
        need(where, all(re.fullmatch(r"[a-z-]+", name) for name, _ in lines), "header name")
    names = [name for name, _ in row["expect"]]
    need(where, names == sorted(names), "the expected lines are not sorted")
    need(where, row["overwrote"] in (True, False), "overwrote")
    # No adapter may lose what is no matter of CORS.
    rest = [
        [line for line in lines if line[0] != "vary" and line[0] not in REMOVE_ORDER]
        for lines in (row["response"], row["expect"])
    ]
    need(where, rest[0] == rest[1], "another header changes")

answered = collections.Counter()
for where, row in answers:
    if not schema(
        where, row, ["id", "policy", "origin", "answer", "expect", "told", "why"], ["socket"]
    ):
        continue
    where += " " + row["id"]
    need(where, row["policy"].get("origin_predicate") is True, "nothing is asked")
    need(where, row.get("socket") in (None, "private", "public"), "socket")
    need(where, row["expect"] in ("allow", "deny") and isinstance(row["told"], bool), "expect")
    answered[row["expect"]] += 1

for r in REASONS:
    need("decisions", reasons[r] >= 3, "reason %s: %d cases" % (r, reasons[r]))
need(
    "coverage",
    not (V_NUMBERS | SEEDS) - seen_covers,
    f"not covered: {sorted((V_NUMBERS | SEEDS) - seen_covers)}",
)
for c, severities in CODES.items():
    need("codes", codes[c] == set(severities), f"{c}: has {sorted(codes[c])}, wants {severities}")

print(
    "decisions %d, configs %d, documents %d, websocket %d, responses %d, answers %d, regexes %d"
    % tuple(map(len, (decisions, configs, documents, websocket, responses, answers, regexes)))
)
print("reasons   " + ", ".join("%s %d" % (r, reasons[r]) for r in REASONS))
print(
    "outcomes  " + ", ".join("%s/%s/%s %d" % ((*k, n)) for k, n in sorted(kinds.items(), key=str))
)
print(
    "configs   "
    + ", ".join("%s %d" % i for i in sorted(expects.items()))
    + "; %d codes" % len(CODES)
)
print("websocket " + ", ".join("%s %d" % i for i in sorted(sockets.items())))
print("answers   " + ", ".join("%s %d" % i for i in sorted(answered.items())))
for f in faults:
    print("FAULT " + f)
sys.exit(1 if faults else 0)
