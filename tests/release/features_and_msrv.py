"""The crate as it will be published: every feature is named in its documentation, and nothing that
it depends on, with every feature, needs a newer Rust than `rust-version` says. Standard library
only."""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def metadata():
    command = ["cargo", "metadata", "--locked", "--all-features", "--format-version=1"]
    return json.loads(
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    )


def version(text):
    return tuple(int(part) for part in (*text.split("."), "0", "0")[:3])


def what_users_build(found, root):
    """The identifiers of the packages behind `root`, development dependencies aside."""
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    seen, left = set(), [root]
    while left:
        package = left.pop()
        if package not in seen:
            seen.add(package)
            left += [
                dependency["pkg"]
                for dependency in nodes[package]["deps"]
                if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])
            ]
    return seen


def problems():
    found = metadata()
    packages = {package["id"]: package for package in found["packages"]}
    crate = next(
        package
        for package in packages.values()
        if package["name"] == "crossgate" and not package["source"]
    )
    limit = version(crate["rust_version"])
    for identifier in sorted(what_users_build(found, crate["id"])):
        package = packages[identifier]
        needs = package["rust_version"]
        if needs and version(needs) > limit:
            yield (
                f"{package['name']} {package['version']} needs Rust {needs}, "
                f"rust-version is {crate['rust_version']}"
            )
    text = (ROOT / "core/src/lib.rs").read_text()
    named = set(re.findall(r"^//! \| `(\w+)` \|", text, re.MULTILINE))
    features = {name for name in crate["features"] if name != "default"}
    for name in sorted(features - named):
        yield f"the feature {name} is missing in the table of features in core/src/lib.rs"
    if not crate["metadata"]["docs"]["rs"].get("all-features"):
        yield "docs.rs is not told to document all features"


if __name__ == "__main__":
    list_of_problems = list(problems())
    print(
        "\n".join(list_of_problems)
        or "every feature is documented, and rust-version holds for every dependency"
    )
    sys.exit(bool(list_of_problems))
