"""What users install works alone, and exports nothing that could meet another library's names."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **options):
    found = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=900, **options
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_pip_install_works_alone(tmp_path):
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ROOT / "bindings-python")
    where = run(python, "-c", "import crossgate; print(crossgate.__file__)", cwd=tmp_path)
    assert where.startswith(str(tmp_path))
    vectors = run(python, ROOT / "tests/conformance/python/run.py", ROOT / "tests/vectors", cwd=tmp_path)
    assert "decisions.jsonl" in vectors


def modules():
    yield pytest.param("libcrossgate_node.so", {"napi_register_module_v1"}, id="node")
    yield pytest.param("lib_crossgate.so", {"PyInit__crossgate"}, id="python")


@pytest.mark.parametrize(("library", "expected"), list(modules()))
def test_a_binding_exports_only_its_entry(library, expected):
    symbols = run("nm", "-D", "--defined-only", ROOT / "target/release" / library)
    exported = {line.split()[-1] for line in symbols.splitlines()}
    assert expected <= exported
    assert not {name for name in exported if "crossgate" in name and name not in expected}
    assert {name for name in exported if not name.startswith(("_", "napi_register_module"))} - expected == set()
