"""docs/glossary.md against the interfaces: every name of its table is there, and a notion has the
same name in every language, in that language's case."""

import inspect
import json
import re
import subprocess
from pathlib import Path

import crossgate
import crossgate.asgi
import pytest

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ["Rust", "C", "C++", "Python", "Node"]

# Members whose names differ between languages, and why.
DIFFERENT = {
    "policy from options": "a builder in Rust and C, the constructor elsewhere",
    "warnings": "C gives one at a time, by its index",
    "notes": "C gives one at a time, by its index",
    "problems of an error": "C gives one at a time, by its index",
    "canonical document": "C and C++ give JSON text, others a mapping",
    "kind": "a field of the C struct",
    "live policy": "C loads a reference that has to be given back",
    "report of differences": "a function given to the layer in Rust, beside the shadow elsewhere",
    "every count": "the language's own way to say it",
    "HTTP/1.1 header block": "C++ gives a string",
    "merge Vary": "C names the subject first",
    "check a WebSocket handshake": "JavaScript writes WebSocket so",
    "count of a reason": "",
}


def rows() -> list[dict[str, str]]:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    found = []
    for line in text.split("## Names in each language", 1)[1].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 6 and cells[0] != "notion" and not set(cells[0]) <= {"-"}:
            found.append(dict(zip(["notion", *LANGUAGES], cells, strict=True)))
    return found


ROWS = rows()


def named(cell: str) -> str | None:
    """The name in a cell; None where the language has none, which the cell says with a reason."""
    if cell.startswith("—"):
        assert len(cell) > 3, "a missing name needs its reason"
        return None
    name = re.fullmatch(r"`([^`]+)`", cell)
    assert name, f"neither a name nor a reason: {cell}"
    return name[1]


def test_the_table_is_read():
    assert len(ROWS) > 40


RUST = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "core/src").rglob("*.rs"))
)
C = (ROOT / "include/crossgate.h").read_text(encoding="utf-8")
HPP = (ROOT / "include/crossgate.hpp").read_text(encoding="utf-8")


def in_rust(name: str) -> bool:
    owner, _, member = name.rpartition("::")
    if not owner:
        return bool(re.search(rf"pub (?:struct|enum|fn|const fn|trait) {member}\b", RUST))
    has_owner = re.search(rf"pub (?:struct|enum) {owner}\b", RUST)
    return bool(has_owner and re.search(rf"pub (?:const )?fn {member}\b", RUST))


def in_c(name: str) -> bool:
    return bool(re.search(rf"\b{name}\b", C))


def in_cpp(name: str) -> bool:
    owner, _, member = name.rpartition("::")
    if not owner:
        found = rf"\b(?:class|struct|enum class) {member}\b|^inline .*\b{member}\("
        return bool(re.search(found, HPP, re.MULTILINE))
    # From the class, not from a declaration in front of it, to the next one.
    body = re.search(
        rf"\nclass {owner}\b(?!;).*?(?=\n(?:class|struct|enum class) |\Z)", HPP, re.DOTALL
    )
    return bool(body and re.search(rf"\b{member}\(", body[0]))


def in_python(name: str) -> bool:
    owner, _, member = name.partition(".")
    if owner == "CORSMiddleware":
        return member in inspect.signature(crossgate.asgi.CORSMiddleware).parameters
    return hasattr(crossgate, owner) and (not member or hasattr(getattr(crossgate, owner), member))


NODE = """
const crossgate = require(process.argv[1])
const names = JSON.parse(process.argv[2])
const types = require('node:fs').readFileSync(process.argv[3], 'utf8')
const has = name => {
  const [owner, member] = name.split('.')
  const type = crossgate[owner]
  if (member === undefined) {
    return type !== undefined || new RegExp(`export (type|interface) ${owner}\\\\b`).test(types)
  }
  if (type !== undefined && (member in type || member in type.prototype)) return true
  const body = new RegExp(`(class|interface) ${owner}\\\\b[^]*?\\\\n}`).exec(types)
  return body !== null && new RegExp(`\\\\b${member}\\\\b`).test(body[0])
}
console.log(JSON.stringify(names.filter(name => !has(name))))
"""


def missing_in_node(names: list[str]) -> list[str]:
    package = ROOT / "bindings-node"
    types = package / "lib/engine/types.d.ts"
    command = ["node", "-e", NODE, str(package), json.dumps(names), str(types)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize(
    ("language", "has"),
    [("Rust", in_rust), ("C", in_c), ("C++", in_cpp), ("Python", in_python)],
    ids=["Rust", "C", "C++", "Python"],
)
def test_every_name_is_there(language, has):
    names = {name for row in ROWS if (name := named(row[language]))}
    assert not sorted(name for name in names if not has(name))


def test_every_name_is_there_in_node():
    assert missing_in_node(sorted({name for row in ROWS if (name := named(row["Node"]))})) == []


def plain(name: str) -> str:
    """The member alone, in snake_case."""
    member = re.split(r"::|\.", name)[-1]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", member).lower()


@pytest.mark.parametrize("row", ROWS, ids=[row["notion"] for row in ROWS])
def test_a_notion_has_one_name(row):
    names = {language: name for language in LANGUAGES if (name := named(row[language]))}
    members = {
        language: plain(name)
        for language, name in names.items()
        if language != "C" and ("::" in name or "." in name)
    }
    alike = len(set(members.values())) <= 1
    if "C" in names and members and names["C"].startswith("crossgate_"):
        ends = names["C"].endswith(tuple(set(members.values())))
        alike = alike and (ends or row["C"].count("_") == 1)
    assert alike or row["notion"] in DIFFERENT, f"{names}: name the reason in DIFFERENT"


def test_a_wrong_name_is_found():
    assert not in_rust("Policy::no_such_thing")
    assert not in_c("crossgate_no_such_thing")
    assert not in_cpp("policy::no_such_thing")
    assert not in_python("Policy.no_such_thing")
    assert missing_in_node(["Policy.noSuchThing", "NoSuchThing"]) == [
        "Policy.noSuchThing",
        "NoSuchThing",
    ]
