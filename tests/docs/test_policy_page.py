"""docs/policy.md: every policy on the page is built, and refused where the page says so."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from crossgate import Policy, PolicyError

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/policy.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- refused: (?P<refused>\w+) -->\n *)?"
    r"```(?P<kind>\w+)\n(?P<body>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
BLOCKS = [
    pytest.param(found, id=f"line {TEXT.count(chr(10), 0, found.start()) + 1}")
    for found in BLOCK.finditer(TEXT)
]


def built(kind: str, body: str) -> Policy:
    if kind == "json":
        return Policy.from_json(body)
    if kind == "toml":
        return Policy.from_toml(body)
    lines = [line.partition("=") for line in body.split()]
    with pytest.MonkeyPatch.context() as environment:
        for name, _, value in lines:
            environment.setenv(name, value)
        return Policy.from_env("CORS")


def test_the_blocks_are_found():
    assert len(BLOCKS) > 30
    assert TEXT.count("```") == 2 * len(BLOCKS)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_policy_is_what_the_page_says(block: re.Match[str]):
    body = re.sub(f"^{block['indent']}", "", block["body"], flags=re.MULTILINE)
    if block["kind"] == "jsonc":
        # The settings of an editor.
        assert (ROOT / "bindings-node/policy.schema.json").is_file()
        assert json.loads(body)["json.schemas"][0]["url"].endswith("crossgate/policy.schema.json")
    elif block["kind"] == "bash":
        pass  # test_the_check_before_it_serves
    elif block["refused"]:
        with pytest.raises(PolicyError) as caught:
            built(block["kind"], body)
        assert block["refused"] in [problem.code for problem in caught.value.problems]
    else:
        policy = built(block["kind"], body)
        allowed = {"insecure_origin_with_credentials", "pna_superseded"}
        assert {problem.code for problem in policy.warnings} <= allowed


@pytest.mark.parametrize("number", [0, 1], ids=["python", "node"])
def test_the_check_before_it_serves(number: int, tmp_path: Path):
    (commands,) = [found.values[0]["body"] for found in BLOCKS if found.values[0]["kind"] == "bash"]
    program, *arguments = shlex.split(commands.splitlines()[number])
    program = {"python": sys.executable}.get(program, program)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/crossgate").symlink_to(ROOT / "bindings-node")

    def check(policy: dict[str, object]) -> subprocess.CompletedProcess[str]:
        (tmp_path / "cors.json").write_text(json.dumps(policy))
        return subprocess.run(
            [program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    good = check({"allow_origins": ["https://A.example"]})
    assert good.returncode == 0, good.stderr
    assert "origin_not_canonical" in good.stdout
    bad = check({"allow_origins": ["https://a.example/"], "allow_methods": ["patch"]})
    assert bad.returncode == 1
    assert "origin_has_path" in bad.stderr
    assert "method_case" in bad.stderr


def test_toml_and_environment_are_the_same_policy():
    kinds = {found.values[0]["kind"]: found.values[0]["body"] for found in BLOCKS}
    assert built("toml", kinds["toml"]) == built("sh", kinds["sh"])


ORIGIN = r"`([a-z-]+://[^`]+)`"


def rows(heading: str) -> list[list[str]]:
    section = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (body,) = [part for part in section if part.startswith(f"{heading}\n")]
    lines = [line.strip("| ") for line in body.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def allows(policy: Policy, origin: str) -> bool:
    return policy.evaluate("GET", [("Origin", origin)]).allowed is True


def test_placeholders_match_what_the_table_says():
    table = [row for row in rows("Patterns") if row[0].startswith("`{")]
    assert [row[0] for row in table] == ["`{digits}`", "`{hex}`", "`{slug}`"]
    for row in table:
        pattern, matches, other = (re.fullmatch(ORIGIN, cell)[1] for cell in row[2:5])
        policy = Policy(allow_origins=[pattern])
        assert allows(policy, matches)
        assert not allows(policy, other)


def test_regexes_are_refused_and_mended_as_the_table_says():
    table = [row for row in rows("Regular expressions") if row[0].startswith("`")]
    assert len(table) == 4
    for refused, because, write in table:
        regex = refused.strip("`")
        with pytest.raises(PolicyError):
            Policy(allow_origin_regexes=[regex], allow_credentials=True)
        stranger = re.search(ORIGIN, because)
        if stranger:
            assert allows(Policy(allow_origin_regexes=[regex]), stranger[1])
        for better in re.findall(ORIGIN, write):
            kind = (
                "allow_origins" if "*." in better and "(" not in better else "allow_origin_regexes"
            )
            policy = Policy(**{kind: [better], "allow_credentials": True})
            assert stranger is None or not allows(policy, stranger[1])


def test_origins_of_applications_can_be_listed():
    table = rows("Browser extensions and apps")
    origins = [origin for row in table for origin in re.findall(ORIGIN, row[1])]
    whole = [origin for origin in origins if not origin.endswith("://")]
    assert len(whole) > 4
    assert Policy(allow_origins=whole, allow_credentials=True).warnings == ()


def test_links_lead_to_headings():
    headings = re.findall(r"^#+ (.+)$", TEXT, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    wanted = {"plain-http", "preview-deployments", *re.findall(r"\]\(#([^)]+)\)", TEXT)}
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        wanted |= set(re.findall(r"policy\.md#([\w-]+)", page.read_text(encoding="utf-8")))
    for source in (ROOT / "core/src").rglob("*.rs"):
        wanted |= set(re.findall(r"docs/policy\.md#([\w-]+)", source.read_text(encoding="utf-8")))
    assert sorted(wanted - anchors) == []
