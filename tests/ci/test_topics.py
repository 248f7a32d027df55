"""`.ci/test`: a red topic stops no other, a crash counts as failed, and the sums are right."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(tmp_path, topics, *arguments):
    """Runs `.ci/test` with these topics: exit code, what it printed, its table by topic."""
    path = tmp_path / "topics"
    path.write_text(topics)
    found = subprocess.run(
        [
            sys.executable,
            str(ROOT / ".ci/test"),
            f"--topics={path}",
            f"--logs={tmp_path / 'logs'}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    rows = re.findall(r"^(\w+) +[\d.]+ +(\d+) +(\d+)(?:  <- red)?$", found.stdout, re.MULTILINE)
    return found, {name: (int(passed), int(failed)) for name, passed, failed in rows}


def test_a_red_topic_stops_no_other(tmp_path):
    topics = """
# A comment.
first: fails, and its second command still runs
	echo 'test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured'; \\
		exit 101
	echo 'test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured'
crash: ends without a word
	kill -SEGV $$
last: passes
	echo '5 passed, 1 skipped in 0.10s'
"""
    found, rows = run(tmp_path, topics)
    assert rows == {"first": (7, 2), "crash": (0, 1), "last": (5, 0), "all": (12, 3)}
    assert found.returncode == 1
    assert found.stdout.splitlines()[-1] == "12 passed, 3 failed"
    assert "\ntest result: FAILED" in found.stdout, "the end of a red command is shown"
    assert "\ntest result: ok" not in found.stdout, "and only that"
    assert "4 passed; 0 failed" in (tmp_path / "logs/first.log").read_text()


def test_nothing_red(tmp_path):
    found, rows = run(tmp_path, "one: a command without tests\n\ttrue\n")
    assert (found.returncode, rows) == (0, {"one": (1, 0), "all": (1, 0)})
    assert found.stdout.splitlines()[-1] == "1 passed, 0 failed"


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out", (2, 0)),
        ("python: decisions.jsonl 208 passed, 0 failed", (208, 0)),
        ("c: configs.jsonl 7 passed, 3 failed", (7, 3)),
        ("1 failed, 2 passed, 1 warning in 3.21s", (2, 1)),
        ("===== 2 passed, 1 error in 63.21s (0:01:03) =====", (2, 1)),
        ("1 error in 0.05s", (0, 1)),
        ("# tests 9\n# pass 6\n# fail 2\n# cancelled 1\n# skipped 0", (6, 3)),
        ("\u2139 pass 6\n\u2139 fail 0", (6, 0)),
        # Said by a test, not by a runner.
        ("rust: decisions.jsonl 208 passed, 1 failed", (1, 0)),
    ],
)
def test_the_closing_lines_of_the_runners(tmp_path, printed, expected):
    (tmp_path / "printed").write_text(printed)
    _, rows = run(tmp_path, f"one: prints\n\tcat '{tmp_path}/printed'\n")
    assert rows["one"] == expected


def test_a_choice_of_topics(tmp_path):
    topics = "one: first\n\ttrue\ntwo: second\n\ttrue\nthree: third\n\ttrue\n"
    assert list(run(tmp_path, topics, "three one")[1]) == ["three", "one", "all"]
    listed, _ = run(tmp_path, topics, "?")
    assert (listed.returncode, listed.stdout.split()[::2]) == (0, ["one", "two", "three"])
    unknown, rows = run(tmp_path, topics, "four", "one")
    assert (unknown.returncode, rows) == (2, {})
    assert "there is no topic four" in unknown.stderr


def test_every_topic_of_the_project_has_commands():
    found = subprocess.run(
        [sys.executable, str(ROOT / ".ci/test"), "?"], capture_output=True, text=True, check=True
    )
    assert len(found.stdout.splitlines()) > 10
    names = set(re.findall(r"^(\w+): ", (ROOT / ".ci/topics").read_text(), re.MULTILINE))
    assert {line.split()[0] for line in found.stdout.splitlines()} == names
