"""`.ci/line_lengths.py`: it names file and line, and leaves data and prose alone."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check(folder, files):
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, str(ROOT / ".ci/line_lengths.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_long_line_is_named(tmp_path):
    fits, long = "x" * 100 + "\n", "\u00e4" * 101 + "\n"
    found = check(
        tmp_path,
        {
            "src/a.rs": fits + long,
            "setup": fits * 2 + "\t" + "x" * 97 + "\n",
            "fits.py": fits,
            "include/crossgate.h": long,
            "data.json": long,
            "Cargo.lock": long,
            "page.md": long,
        },
    )
    assert found.returncode == 1
    assert sorted(found.stdout.splitlines()) == [
        "setup:3: 101 columns, more than 100",
        "src/a.rs:2: 101 columns, more than 100",
    ]


def test_an_address_cannot_be_broken(tmp_path):
    address = "https://example.com/" + "x" * 90
    found = check(tmp_path, {"a.rs": f"// See {address}.\n"})
    assert (found.returncode, found.stdout) == (0, "no line has more than 100 columns\n")
    found = check(tmp_path, {"a.rs": f"// {'x' * 70} {address}\n"})
    assert found.returncode == 1
