"""The demonstration itself: it sees a difference, and it stops what it started."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = [sys.executable, str(ROOT / "tests/demo/demo.py")]


def test_all_servers_answer_the_same():
    found = subprocess.run(DEMO, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stdout + found.stderr
    assert " 0 different answers" in found.stdout


def test_a_difference_is_seen(tmp_path):
    policy = json.loads((ROOT / "tests/demo/policy.json").read_text())
    policy["max_age"] = 60
    other = tmp_path / "other.json"
    other.write_text(json.dumps(policy))
    for language in ("C", "Python", "Node", "Rust"):
        found = subprocess.run(
            [*DEMO, "--policy-for", f"{language}={other}"],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert found.returncode == 1, found.stdout + found.stderr
        assert "DIFFERS" in found.stdout
        assert "access-control-max-age: 60" in found.stdout


def test_a_bad_policy_names_its_problems(tmp_path):
    other = tmp_path / "bad.json"
    other.write_text('{"allow_origins": ["https://a.example/"]}')
    for language in ("C", "Python", "Node", "Rust"):
        found = subprocess.run(
            [*DEMO, "--policy-for", f"{language}={other}"],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert found.returncode == 1
        assert f"the {language} server did not start" in found.stderr
        assert "origin_has_path" in found.stderr, found.stderr


@pytest.mark.parametrize(
    "inherited", [signal.SIG_DFL, signal.SIG_IGN], ids=["foreground", "background"]
)
def test_ctrl_c_leaves_nothing_behind(inherited):
    before = signal.signal(signal.SIGINT, inherited)
    demo = subprocess.Popen([*DEMO, "--hold", "3600"], stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    pids = [int(pid) for pid in re.findall(r"pid (\d+)", demo.stdout.readline())]
    assert len(pids) == 4
    assert any(line.startswith("the servers stay up") for line in demo.stdout)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=300) == 130
    demo.stdout.close()
    for pid in pids:
        assert not pathlib.Path(f"/proc/{pid}").exists() or os.waitpid(pid, os.WNOHANG)
