"""crossgate_evaluate_block() from languages whose memory moves or is checked: Go's net/http through
cgo, PHP's FFI and ctypes. Each is compared with the Python package on the same requests.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import pathlib
import subprocess

import pytest
from crossgate import Policy

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
POLICY = {
    "allow_origins": ["https://app.example", "https://*.tenants.example"],
    "allow_methods": ["PUT"],
    "allow_headers": "*",
    "expose_headers": ["X-Total"],
    "allow_credentials": True,
    "max_age": 600,
}
APP, TENANT, EVIL = "https://app.example", "https://a.tenants.example", "https://evil.example"


def preflight(origin: str, method: str, names: str) -> list[tuple[str, str]]:
    return [
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", names),
    ]


REQUESTS = [
    ("GET", []),
    ("GET", [("Origin", APP)]),
    ("POST", [("Origin", TENANT)]),
    ("GET", [("Origin", EVIL)]),
    ("GET", [("Origin", "null")]),
    ("OPTIONS", [("Origin", APP)]),
    ("OPTIONS", preflight(APP, "PUT", "authorization, x-b")),
    ("OPTIONS", preflight(TENANT, "PUT", "x-" + "y" * 900)),
    ("OPTIONS", preflight(APP, "DELETE", "x-a")),
    ("OPTIONS", preflight(EVIL, "PUT", "x-a")),
]
NUMBERS = {"forward": 0, "answer": 1, "reject": 2}


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("block") / "policy.json"
    path.write_text(json.dumps(POLICY))
    return path


def lines_of(headers: list[tuple[str, str]]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


def expected(method: str, headers: list[tuple[str, str]]):
    """Whether it is allowed, the action, and the operations in lower case."""
    decision = Policy(**POLICY).evaluate(method, headers)
    merged = {"vary"} | ({"access-control-expose-headers"} if decision.allowed else set())
    operations = [
        f"{'+' if name in merged else ''}{name}: {value}" for name, value in decision.headers
    ] + [f"-{name}" for name in decision.remove]
    allowed = {True: 1, False: 0, None: -1}[decision.allowed]
    return allowed, NUMBERS[decision.action], operations


def operations_of(out: str) -> list[str]:
    assert out.endswith("\r\n")
    found = []
    for line in out[:-2].split("\r\n"):
        name, colon, value = line.partition(":")
        found.append(name.lower() + colon + value)
    return found


MEMBERS = [
    "struct_size", "flags", "kind", "reason", "action", "allowed", "status", "depends_on",
]  # fmt: skip


class Answer(ctypes.Structure):
    _fields_ = [
        (
            name,
            ctypes.c_uint32 if name in ("struct_size", "flags", "depends_on") else ctypes.c_int32,
        )
        for name in MEMBERS
    ]


def test_ctypes(compiler, policy_file):
    library = ctypes.CDLL(str(compiler.folder / "libcrossgate.so"))
    size, pointer, text = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p
    library.crossgate_policy_from_file.argtypes = [text, size, pointer, pointer]
    library.crossgate_evaluate_block.argtypes = [
        pointer, text, size, text, size, ctypes.c_int32, pointer, text, size, pointer,
    ]  # fmt: skip
    policy, error = pointer(), pointer()
    path = os.fsencode(policy_file)
    status = library.crossgate_policy_from_file(
        path, len(path), ctypes.byref(policy), ctypes.byref(error)
    )
    assert status == 0
    out, length = ctypes.create_string_buffer(8192), size()
    for method, headers in REQUESTS:
        answer = Answer(struct_size=ctypes.sizeof(Answer))
        lines = lines_of(headers).encode("latin-1")
        status = library.crossgate_evaluate_block(
            policy, method.encode(), len(method), lines, len(lines), 0, ctypes.byref(answer), out,
            len(out), ctypes.byref(length),
        )  # fmt: skip
        assert status == 0
        found = (answer.allowed, answer.action, operations_of(out.value.decode("latin-1")))
        assert found == expected(method, headers)


def test_php(compiler, policy_file):
    asked = "".join(
        json.dumps({"method": method, "lines": lines_of(headers)}) + "\n"
        for method, headers in REQUESTS
    )
    library = str(compiler.folder / "libcrossgate.so")
    command = ["php", "-d", "ffi.enable=1", str(HERE / "block/ask.php"), library, str(policy_file)]
    found = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stdout + found.stderr
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    assert [answer["status"] for answer in answers] == [0] * len(REQUESTS)
    for answer, (method, headers) in zip(answers, REQUESTS, strict=True):
        found_here = (answer["allowed"], answer["action"], operations_of(answer["out"]))
        assert found_here == expected(method, headers)


def test_go(compiler, policy_file, tmp_path):
    """A real net/http server; cgo's checks of pointers are on."""
    environment = {
        **compiler.environment,
        "CGO_CFLAGS": f"-I{ROOT}/include",
        "CGO_LDFLAGS": f"-L{compiler.folder} -lcrossgate",
        "GODEBUG": "cgocheck=2",
        "GOCACHE": str(tmp_path / "cache"),
        "GOFLAGS": "-mod=mod",
        "GO111MODULE": "off",
    }
    program = tmp_path / "server"
    built = subprocess.run(
        ["go", "build", "-o", str(program), str(HERE / "block/main.go")],
        capture_output=True, text=True, timeout=900, env=environment,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    with subprocess.Popen(
        [str(program), str(policy_file)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    ) as server:  # fmt: skip
        host, _, port = server.stdout.readline().strip().rpartition(":")
        for method, headers in REQUESTS:
            connection = http.client.HTTPConnection(host, int(port), timeout=60)
            connection.request(method, "/", headers=dict(headers))
            response = connection.getresponse()
            body = response.read()
            _, action, operations = expected(method, headers)
            assert body == (b"hello" if action == 0 else b"")
            decision = Policy(**POLICY).evaluate(method, headers)
            assert response.status == (decision.status or 200)
            ours = [
                f"{name.lower()}: {value}"
                for name, value in response.getheaders()
                if name.lower() == "vary" or name.lower().startswith("access-control-")
            ]
            assert sorted(ours) == sorted(
                line.lstrip("+") for line in operations if not line.startswith("-")
            )
            connection.close()
        server.stdin.close()
        assert server.wait(60) == 0
