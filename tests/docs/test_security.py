"""SECURITY.md: each promise names tests that exist and that `make test` runs."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`([\w./-]+\.(?:rs|py|c|cjs|mjs))::([^`]+)`")
TESTS = sorted(set(NAMED.findall(PAGE)))

DEFINITION = {
    ".rs": r"#\[test\]\s+(?:async )?fn {}\(|^    (?:/// .*\n +)*fn {}\($",
    ".py": r"^ *(?:async )?def {}\(",
    ".c": r"^static void {}\(",
    ".cjs": r"test\(\s*'{}'",
    ".mjs": r"test\(\s*'{}'",
}


def is_defined(text: str, ending: str, name: str) -> bool:
    pattern = DEFINITION[ending].replace("{}", re.escape(name))
    return bool(re.search(pattern, text, re.MULTILINE))


def packages() -> dict[str, Path]:
    """The crates of the workspace by their names."""
    members = re.search(
        r"^members = \[(.*?)\]", (ROOT / "Cargo.toml").read_text("utf-8"), re.M | re.S
    )
    assert members
    found = {}
    for folder in re.findall(r'"([^"]+)"', members[1]):
        manifest = (ROOT / folder / "Cargo.toml").read_text("utf-8")
        name = re.search(r'^name = "([\w-]+)"', manifest, re.MULTILINE)
        assert name
        found[name[1]] = ROOT / folder
    return found


def commands() -> list[list[str]]:
    """Those of .ci/topics, as words."""
    text = re.sub(r"\\\n\s*", "", (ROOT / ".ci/topics").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line[:1].isspace() and line.strip()]
    return [shlex.split(line) for line in lines]


@functools.cache
def run_by_make_test() -> tuple[set[Path], list[Path]]:
    """The files, and the folders whose every test runs."""
    files: set[Path] = set()
    folders: list[Path] = []
    for words in commands():
        options = dict(itertools.pairwise(words))
        if words[:2] == ["cargo", "test"]:
            package = packages()[options["-p"]]
            if "--tests" in words or not {"--test", "--lib"} & set(words):
                folders += [package / "src", package / "tests"]
            if package.parent.name == "tests":
                folders.append(package)
            files |= {
                package / f"tests/{name}.rs"
                for option, name in itertools.pairwise(words)
                if option == "--test"
            }
        elif "pytest" in words:
            for word in words[words.index("pytest") :]:
                # A brace of the shell is several names.
                folders += [path for path in [ROOT / word.split("{")[0]] if path.is_dir()]
        elif words[:2] == ["npm", "test"]:
            folders.append(ROOT / options["--prefix"] / "test")
        elif words[0] == "cd":
            files |= {path for word in words[5:] for path in (ROOT / words[1]).glob(word)}
    return files, folders


def test_every_promise_names_a_test():
    sections = PAGE.split("\n## ")
    promises = next(part for part in sections if part.startswith("What crossgate promises"))
    found = re.split(r"^- ", promises, flags=re.MULTILINE)[1:]
    assert len(found) >= 9
    assert not [promise for promise in found if not NAMED.search(promise)]


@pytest.mark.parametrize(("file", "name"), TESTS, ids=[f"{file}::{name}" for file, name in TESTS])
def test_a_test_that_is_named_exists_and_runs(file: str, name: str):
    path = ROOT / file
    assert is_defined(path.read_text(encoding="utf-8"), path.suffix, name)
    files, folders = run_by_make_test()
    assert path in files or any(folder in path.parents for folder in folders)


def test_what_does_not_run_is_found():
    assert not is_defined("fn a_test_of_another_name() {", ".rs", "a_test")
    assert not is_defined("#[test]\nfn a_test_of_another_name() {", ".rs", "a_test")
    assert is_defined("#[test]\nfn a_test() {", ".rs", "a_test")
    assert not is_defined("def test_more(", ".py", "test")
    files, folders = run_by_make_test()
    for file in ("tests/fuzz/fuzz_targets/documents.rs", "tests/peers/node/express/bench.mjs"):
        path = ROOT / file
        assert path not in files
        assert not any(folder in path.parents for folder in folders)


def test_the_date_of_the_public_suffix_list_is_that_of_the_table():
    table = (ROOT / "core/src/origin/suffix_table.rs").read_text(encoding="utf-8")
    date = re.search(r'DATE: &str = "([\d-]+)"', table)
    assert date
    assert f"snapshot of {date[1]}" in PAGE
