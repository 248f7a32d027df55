"""What docs/httpd.md says."""

import json
import re
import subprocess

import pytest
from httpd_server import ROOT
from httpd_site import API, POLICIES, small


def fenced(language):
    page = (ROOT / "docs/httpd.md").read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found, language
    return found


@pytest.mark.parametrize("number", range(6))
def test_the_configurations_of_the_page(module, number):
    """Every apache block passes configtest, with a file for every policy it names and the module
    where it says.
    """
    blocks = fenced("apache")
    assert len(blocks) == 6, "one test for each block"
    block = blocks[number].replace(" modules/mod_crossgate.so", f" {module}/mod_crossgate.so")
    assert "Crossgate" in block
    httpd = small(module, block)
    for name in re.findall(r"conf/(\w+)[.]json", block):
        httpd.file(f"conf/{name}.json", json.dumps(POLICIES.get(name, API)))
    found = httpd.configtest()
    assert found.returncode == 0, block + found.stderr
    # None of it is passed over: without the module httpd knows none of these lines.
    assert "Crossgate" in httpd.configtest_without_module()


def test_the_build_of_the_page(tmp_path):
    [block] = fenced("bash")
    assert "build/httpd" in block
    script = block.replace("build/httpd", str(tmp_path / "out"))
    found = subprocess.run(
        ["bash", "-euc", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "out/mod_crossgate.so").exists()


def test_the_page_names_tests_that_exist():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/httpd.md").read_text()))
    files = (ROOT / "tests/modules/httpd").glob("test_*.py")
    defined = {
        name
        for file in files
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= defined, named - defined


def test_the_page_lists_every_directive():
    source = (ROOT / "ffi/servers/httpd/cors_conf.c").read_text()
    page = (ROOT / "docs/httpd.md").read_text()
    directives = re.findall(r'AP_INIT_\w+\("(\w+)"', source)
    assert len(directives) == 5
    for directive in directives:
        assert f"| `{directive} " in page
