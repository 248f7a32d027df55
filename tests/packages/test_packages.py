"""What users install works alone, and exports nothing that could meet another library's names."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
A = "https://a.example"


def run(*command, **options):
    found = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        **options,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def installed(tmp_path, package):
    """The Python of an empty environment with the package, not the one of this checkout."""
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package)
    where = run(python, "-c", "import crossgate; print(crossgate.__file__)", cwd=tmp_path)
    assert where.startswith(str(tmp_path))
    return python


def serves(python, tmp_path):
    """Every vector, and a request through the middleware."""
    vectors = run(
        python, ROOT / "tests/conformance/python/run.py", ROOT / "tests/vectors", cwd=tmp_path
    )
    assert "decisions.jsonl" in vectors
    script = tmp_path / "request.py"
    script.write_text(REQUEST)
    assert run(python, script, cwd=tmp_path).split() == ["200", A, "204", A]


REQUEST = """
import asyncio
from crossgate import Policy
from crossgate.asgi import CORSMiddleware

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})

async def send(message):
    if message["type"] == "http.response.start":
        allowed = dict(message["headers"])[b"access-control-allow-origin"]
        print(message["status"], allowed.decode())

middleware = CORSMiddleware(app, policy=Policy(allow_origins=["https://a.example"]))
headers = [(b"origin", b"https://a.example")]
asyncio.run(middleware({"type": "http", "method": "GET", "headers": headers}, None, send))
headers.append((b"access-control-request-method", b"GET"))
asyncio.run(middleware({"type": "http", "method": "OPTIONS", "headers": headers}, None, send))
"""


def abi3_wheel(folder):
    """One wheel for every CPython from 3.10 on.

    It has a target folder of its own: it would replace the other build.
    """
    maturin = pathlib.Path(sys.executable).with_name("maturin")
    options = [
        "--release",
        "-q",
        "--features",
        "abi3",
        "--target-dir",
        ROOT / "target/abi3",
        "--out",
        folder,
    ]
    run(maturin, "build", "-m", ROOT / "bindings-python/Cargo.toml", *options)


def own_wheel(folder):
    """The wheel for this interpreter, as `pip install` makes it."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--wheel-dir", folder]
    run(sys.executable, "-m", "pip", "wheel", ROOT / "bindings-python", *options)


def passes_the_tests_of_asgi(python, tmp_path):
    """With the tools of this environment, and the package of that one before this checkout's.

    Of the ASGI middleware's unsafe code the stable ABI has a version of its own.
    """
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))").strip()
    check = "import crossgate._crossgate as native; print(native.__file__)"
    environment = {**os.environ, "PYTHONPATH": packages}
    where = run(sys.executable, "-c", check, cwd=tmp_path, env=environment)
    assert where.startswith(packages)
    assert where.strip().endswith(".abi3.so")
    tests = sorted((ROOT / "bindings-python/tests").glob("test_asgi*.py"))
    options = ["-q", "-p", "no:cacheprovider", "-c", ROOT / "bindings-python/pyproject.toml"]
    run(sys.executable, "-m", "pytest", *options, *tests, cwd=tmp_path, env=environment)


@pytest.mark.parametrize(
    ("build", "tag"),
    [(own_wheel, f"cp3{sys.version_info[1]}-cp3"), (abi3_wheel, "cp310-abi3")],
    ids=["own", "abi3"],
)
def test_wheels_work_alone(build, tag, tmp_path):
    build(tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert tag in wheel.name
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
    assert {
        "crossgate/py.typed",
        "crossgate/_crossgate.pyi",
        "crossgate/asgi.py",
        "crossgate/aiohttp.py",
    } <= names
    assert not [name for name in names if "test" in name]
    python = installed(tmp_path, wheel)
    serves(python, tmp_path)
    if build is abi3_wheel:
        passes_the_tests_of_asgi(python, tmp_path)


def modules():
    yield pytest.param("libcrossgate_node.so", {"napi_register_module_v1"}, id="node")
    yield pytest.param("lib_crossgate.so", {"PyInit__crossgate"}, id="python")


@pytest.mark.parametrize(("library", "expected"), list(modules()))
def test_a_binding_exports_only_its_entry(library, expected):
    symbols = run("nm", "-D", "--defined-only", ROOT / "target/release" / library)
    exported = {line.split()[-1] for line in symbols.splitlines()}
    assert expected <= exported
    assert not {name for name in exported if "crossgate" in name and name not in expected}
    assert {
        name for name in exported if not name.startswith(("_", "napi_register_module"))
    } - expected == set()
