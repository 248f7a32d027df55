"""Every fenced block of the documentation runs (the Rust ones as doc tests), and links resolve."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What is marked as a fragment is completed and run by tests/ffi_examples/test_hpp.py.
BLOCK = re.compile(r"^```(\w+)(?! fragment)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language, pages=PAGES):
    for page in pages:
        for number, (name, text) in enumerate(BLOCK.findall(page.read_text()), 1):
            if name == language:
                yield pytest.param(text, id=f"{page.name}-{number}")


def run(command, **options):
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    assert found.returncode == 0, found.stdout + found.stderr
    return found


@pytest.mark.parametrize("text", list(blocks("python")))
def test_python(text, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(text)
    run([sys.executable, str(script)], cwd=tmp_path)


@pytest.mark.parametrize("text", list(blocks("js")))
def test_node(text, tmp_path):
    package = tmp_path / "node_modules"
    package.mkdir()
    (package / "crossgate").symlink_to(ROOT / "bindings-node")
    # Installed for the comparison with what it replaces.
    (package / "express").symlink_to(ROOT / "tests/peers/node/express/node_modules/express")
    script = tmp_path / "example.cjs"
    # A server of an example starts on a free port, and ends.
    script.write_text(text.replace(".listen(8080)", ".listen(0, function () { this.close() })"))
    found = run(["node", str(script)], cwd=tmp_path)
    assert "Assertion failed" not in found.stderr


@pytest.mark.parametrize("text", list(blocks("c")))
def test_c(text, tmp_path):
    source = tmp_path / "example.c"
    source.write_text(text)
    policy = next(block.values[0] for block in list(blocks("json")))
    (tmp_path / "policy.json").write_text(policy)
    library = ROOT / "target/release"
    flags = [
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{ROOT}/include",
        f"-L{library}",
        f"-Wl,-rpath,{library}",
    ]
    run(["cc", *flags, str(source), "-lcrossgate", "-o", str(tmp_path / "example")])
    run([str(tmp_path / "example")], cwd=tmp_path)


# Which policies of docs/policy.md are refused or warned of stands there: test_policy_page.py.
@pytest.mark.parametrize(
    "text", list(blocks("json", [page for page in PAGES if page.name != "policy.md"]))
)
def test_policies(text):
    import crossgate

    assert crossgate.Policy.from_json(text).warnings == ()


@pytest.mark.parametrize("text", list(blocks("sh")))
def test_commands_are_known(text):
    """`make demo`, `make test` and scripts run elsewhere; here it is checked that they exist."""
    for command in (line.split("#")[0] for line in text.split("\n")):
        if command.startswith("make "):
            run(["make", "--dry-run", *command.split()[1:]], cwd=ROOT)


def test_the_problems_shown_are_the_problems_printed():
    import crossgate

    shown = next(
        text for name, text in BLOCK.findall((ROOT / "README.md").read_text()) if name == "text"
    )
    policy = json.loads(
        json.dumps({"allow_origins": ["https://app.example.com/"], "allow_methods": ["patch"]})
    )
    with pytest.raises(crossgate.PolicyError) as error:
        crossgate.Policy(**policy)
    # The page breaks the long lines.
    assert str(error.value).split() == shown.split()


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINKED = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name / "README.md" for name in ("core", "bindings-python", "bindings-node", "tests")),
]


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text())):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target
