"""Fails for each line of more than 100 columns, as FILE:LINE. Standard library only.

Checked is every text file that git knows, but for data, what tools write, and prose: Markdown keeps
a paragraph or a row of a table on a line as its author likes. A tab is four columns. An address
cannot be broken: a line that holds little besides one, as a link in a comment, may be longer.
"""

import pathlib
import re
import subprocess
import sys

LIMIT = 100
NOT_CHECKED = re.compile(
    r"""
    \.(json|jsonl|lock|abi|md|svg)$     # data, lock files, dumps, prose, pictures
    | \.suppr?$                         # patterns for valgrind and libabigail
    | (^|/)LICENSE
    | ^include/crossgate\.h$            # written by cbindgen from the sources, which are checked
    """,
    re.VERBOSE,
)
LITTLE = 64  # columns beside an address
# What is said to a linter behind a line of code has no other place.
PRAGMA = re.compile(r"\s+# (?:type: ignore|noqa|pyright:).*")
ADDRESS = re.compile(r"https?://[^\s)>\]\"'`]+")


def files(root):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = (name for name in listed.stdout.split("\0") if name and not NOT_CHECKED.search(name))
    return [name for name in names if (root / name).is_file()]


def too_long(root):
    for name in files(root):
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            columns = len(PRAGMA.sub("", line.expandtabs(4)))
            if columns > LIMIT and len(ADDRESS.sub("", line)) > LITTLE:
                yield f"{name}:{number}: {columns} columns, more than {LIMIT}"


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    found = list(too_long(root if root.is_dir() else root.parents[1]))
    print("\n".join(found) or f"no line has more than {LIMIT} columns")
    sys.exit(bool(found))
