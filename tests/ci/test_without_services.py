"""`.ci/without_services`: no server is started meanwhile, and nothing is left behind."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(policy, *command):
    return subprocess.run(
        [str(ROOT / ".ci/without_services"), *command],
        env={**os.environ, "POLICY_RC_D": str(policy)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("ends", [0, 7])
def test_it_is_there_meanwhile_and_gone_afterwards(tmp_path, ends):
    policy = tmp_path / "policy-rc.d"
    found = run(policy, "bash", "-c", f'"{policy}"; echo "says $?"; exit {ends}')
    assert (found.stdout, found.returncode) == ("says 101\n", ends)
    assert not policy.exists()


def test_one_that_was_there_stays(tmp_path):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("somebody's\n")
    assert run(policy, "cat", str(policy)).stdout == "somebody's\n"
    assert policy.read_text() == "somebody's\n"


def test_setup_installs_so():
    text = (ROOT / ".ci/setup").read_text()
    assert ".ci/without_services" in text
    assert "policy-rc.d" not in text
