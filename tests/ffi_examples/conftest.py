"""A copy of the library, so that it may be built again meanwhile, and a compiler."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


class Compiler:
    """Compiles against the copy of the library, and runs with it."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copy2(ROOT / "target/release/libcrossgate.so", folder / "libcrossgate.so")
        shutil.copy2(folder / "libcrossgate.so", folder / "libcrossgate.so.0")
        # Some hosts keep what they allocate until the end; a leak a request would show in tests/c.
        self.environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(folder),
            "ASAN_OPTIONS": "detect_leaks=0",
        }

    def compile(self, compiler, sources, output, *flags):
        command = [compiler, f"-I{ROOT}/include", *map(str, sources), "-o", str(output), *flags]
        command += [f"-L{self.folder}", "-lcrossgate", "-pthread"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=900)
        assert found.returncode == 0, " ".join(command) + "\n" + found.stderr
        return output


@pytest.fixture(scope="session")
def compiler(tmp_path_factory):
    if not (ROOT / "target/release/libcrossgate.so").exists():
        pytest.fail("there is no target/release/libcrossgate.so: run make build")
    return Compiler(tmp_path_factory.mktemp("hosts"))
