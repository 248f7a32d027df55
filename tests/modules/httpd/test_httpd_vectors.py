"""tests/vectors/decisions.jsonl over the wire: httpd in front of an upstream, one <Location> a
policy.
"""

import collections
import contextlib
import json
import re

import pytest
from httpd_server import CORS, ROOT, Connection, Httpd, Upstream

VECTORS = [
    json.loads(line) for line in (ROOT / "tests/vectors/decisions.jsonl").read_text().splitlines()
]
POLICIES = sorted({json.dumps(vector["policy"], sort_keys=True) for vector in VECTORS})

CONFIGURATION = """
LimitRequestFieldSize 65536
LimitRequestFields 0
ProxyPass "/" "http://127.0.0.1:{upstream}/"
SetEnvIf X-Verdict "^(.+)$" VERDICT=$1
CrossgateVerdict env=VERDICT
"""


def not_carried(vector):
    """Why httpd cannot hand this request to a module as it is written; "" if it can."""
    for _, value in vector["request"]["headers"]:
        if "\r" in value or "\n" in value:
            return "a line break: on the wire that is another request"
        if any(byte < " " and byte != "\t" for byte in value):
            return "a control byte: httpd answers 400"
        if len(value) - len(value.strip(" \t")) > 330:
            return "white space that httpd takes off, where its length counts"
    return ""


@pytest.fixture(scope="module")
def server(module):
    upstream = Upstream()
    sections = [
        f'<Location "/p{number}/">\nCrossgatePolicy policies/{number}.json\n</Location>'
        for number in range(len(POLICIES))
    ]
    httpd = Httpd(module, CONFIGURATION + "\n".join(sections), upstream=upstream.port)
    for number, policy in enumerate(POLICIES):
        httpd.file(f"policies/{number}.json", policy)
    with httpd:
        httpd.upstream = upstream
        yield httpd
    upstream.stop()


def ask(connection, vector, path):
    number = POLICIES.index(json.dumps(vector["policy"], sort_keys=True))
    headers = list(map(tuple, vector["request"]["headers"]))
    if "verdict" in vector["request"]:
        headers.append(("X-Verdict", vector["request"]["verdict"]))
    method = vector["request"]["method"]
    return connection.request(method, f"/p{number}/{path}", headers)


def check_status(vector, response, upstream_seen):
    decision = vector["decision"]
    if decision["action"] == "forward":
        assert response.status == 200
        assert response.get("x-answered-by") == "upstream"
    else:
        assert response.status == decision["status"]
        assert not upstream_seen
        assert (
            response.get("content-length") == {204: None}.get(response.status, "0")
            or decision["action"] == "reject"
        )
        assert response.get("content-type") is None or decision["action"] == "reject"


def test_every_vector(server):
    skipped = collections.Counter()
    failures = []
    ran = 0
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(Connection(server.port))
        for vector in VECTORS:
            reason = not_carried(vector)
            if reason:
                skipped[reason] += 1
                if "400" in reason:
                    with Connection(server.port) as refused:
                        assert ask(refused, vector, "plain").status == 400, "httpd does carry it"
                continue
            ran += 1
            server.upstream.seen.clear()
            try:
                response = ask(connection, vector, "plain")
                check_status(vector, response, server.upstream.seen)
                assert response.cors == dict(map(tuple, vector["decision"]["headers"]))
            except (AssertionError, ConnectionError) as error:
                failures.append(f"{vector['id']} {vector['request']}: {error}")
                connection = stack.enter_context(Connection(server.port))
    assert not failures, "\n".join(failures[:20]) + f"\n{len(failures)} of {ran}"
    print(ran, "ran; not carried:", dict(skipped))
    assert ran >= 280
    assert sum(skipped.values()) + ran == len(VECTORS)
    assert sum(skipped.values()) <= 46, skipped


def test_every_vector_with_an_upstream_that_answers_cors_itself(server):
    """What the decision removes is gone, what it sets is set once, what it merges is merged."""
    ran = 0
    with Connection(server.port) as connection:
        for vector in VECTORS:
            if not_carried(vector):
                continue
            ran += 1
            cors = ask(connection, vector, "own").cors
            decision = vector["decision"]
            expected = dict(map(tuple, decision["headers"]))
            vary = expected.pop("vary", None)
            if decision["action"] != "forward":
                assert cors.pop("vary", None) == vary
                assert cors == expected, vector["id"]
                continue
            names = [name.strip() for name in cors.pop("vary").split(",")]
            assert names == ["Accept-Encoding", "origin", "X-Other"] + [
                name for name in (vary or "").split(", ") if name and name != "Origin"
            ], vector["id"]
            if vector["policy"].get("upstream") == "keep":
                assert set(cors) == set(CORS), vector["id"]
                assert cors["access-control-allow-methods"] == "UPSTREAM"
                continue
            if "access-control-allow-origin" in expected:
                exposed = expected.get("access-control-expose-headers")
                expected["access-control-expose-headers"] = "X-Upstream" + (
                    f", {exposed}" if exposed else ""
                )
            assert cors == expected, vector["id"]
    assert ran >= 280


RESPONSES = [
    vector
    for vector in map(json.loads, (ROOT / "tests/vectors/responses.jsonl").read_text().splitlines())
    # A preflight is answered before the upstream is asked.
    if all(name != "Access-Control-Request-Method" for name, _ in vector["request"]["headers"])
]


def is_of_cors(line):
    return line[0] == "vary" or line[0].startswith("access-control-")


def test_responses(module):
    """What an upstream says of CORS itself."""
    assert len(RESPONSES) > 35
    upstream = Upstream()
    sections = [
        f'<Location "/{vector["id"]}/">\nCrossgatePolicy policies/{vector["id"]}.json\n</Location>'
        for vector in RESPONSES
    ]
    proxy = f'ProxyPass "/" "http://127.0.0.1:{upstream.port}/"\n'
    httpd = Httpd(module, proxy + "\n".join(sections))
    for vector in RESPONSES:
        httpd.file(f"policies/{vector['id']}.json", json.dumps(vector["policy"]))
        upstream.pages[f"/{vector['id']}/"] = vector["response"]
    with httpd, Connection(httpd.port) as connection:
        for vector in RESPONSES:
            request = vector["request"]
            headers = list(map(tuple, request["headers"]))
            response = connection.request(request["method"], f"/{vector['id']}/", headers)
            # The order of different names is the upstream's.
            # httpd's own writer joins the names of Vary with a comma alone.
            found = [
                (name, re.sub(r",(?=\S)", ", ", value) if name == "vary" else value)
                for name, value in sorted(response.headers, key=lambda line: line[0])
                if is_of_cors((name, value))
            ]
            expected = [tuple(line) for line in vector["expect"] if is_of_cors(line)]
            assert found == expected, vector["id"]
    upstream.stop()
